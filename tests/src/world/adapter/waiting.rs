//! The events that wait for push services, in the order in which they were deferred.

use super::Entry;
use push_core::link::Ranges;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Deferred events, and those of them that are to be told again. Each call costs as much as the events that it is about.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// By place in the order.
    events: BTreeMap<u64, Event>,
    /// Places by the number that the service knows.
    numbers: BTreeMap<u64, u64>,
    of_users: BTreeMap<String, BTreeSet<u64>>,
    deferred: BTreeSet<u64>,
    /// The places of those that are to be told again; some may have ended.
    due: VecDeque<u64>,
    drawn: u64,
}

#[derive(Debug)]
struct Event {
    number: Option<u64>,
    entry: Entry,
}

impl Waiting {
    /// How many are deferred.
    pub(super) fn deferred(&self) -> usize {
        self.deferred.len()
    }

    /// How many there are, with those that are to be told again.
    pub(super) fn all(&self) -> usize {
        self.events.len()
    }

    /// An event is deferred that the service knows by this number.
    pub(super) fn defer(&mut self, number: u64, entry: Entry) {
        let place = self.insert(number, entry);
        self.deferred.insert(place);
    }

    /// An event is to be told again that the service knows by this number.
    pub(super) fn tell_again(&mut self, number: u64, entry: Entry) {
        let place = self.insert(number, entry);
        self.due.push_back(place);
    }

    fn insert(&mut self, number: u64, entry: Entry) -> u64 {
        self.drawn += 1;
        let place = self.drawn;
        let of_user = self.of_users.entry(entry.user.clone()).or_default();
        of_user.insert(place);
        self.numbers.insert(number, place);
        let number = Some(number);
        self.events.insert(place, Event { number, entry });
        place
    }

    /// Takes out the event at a place, and the number that the service knows it by.
    pub(super) fn remove(&mut self, place: u64) -> Option<(Option<u64>, Entry)> {
        let Event { number, entry } = self.events.remove(&place)?;
        self.deferred.remove(&place);
        number.map(|number| self.numbers.remove(&number));
        if let Some(of_user) = self.of_users.get_mut(&entry.user) {
            of_user.remove(&place);
            if of_user.is_empty() {
                self.of_users.remove(&entry.user);
            }
        }
        Some((number, entry))
    }

    /// The place of the event with this number.
    pub(super) fn place(&self, number: u64) -> Option<u64> {
        self.numbers.get(&number).copied()
    }

    /// The entry at a place.
    pub(super) fn get(&mut self, place: u64) -> Option<&mut Entry> {
        Some(&mut self.events.get_mut(&place)?.entry)
    }

    /// Whether the event at a place is deferred, and not to be told again yet.
    pub(super) fn is_deferred(&self, place: u64) -> bool {
        self.deferred.contains(&place)
    }

    /// The places of a user's events.
    pub(super) fn of_user(&self, user: &str) -> Vec<u64> {
        let places = self.of_users.get(user).into_iter().flatten();
        places.copied().collect()
    }

    /// The oldest deferred event.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.deferred.first().copied()
    }

    /// Deferred events with these numbers are to be told again.
    pub(super) fn resume(&mut self, numbers: &Ranges) {
        for (first, last) in numbers.iter() {
            let places = self.numbers.range(first..=last).map(|(_, place)| *place);
            self.due
                .extend(places.filter(|place| self.deferred.remove(place)));
        }
    }

    /// All deferred events are to be told again, and numbers mean nothing any more.
    pub(super) fn resume_all(&mut self) {
        self.due
            .append(&mut std::mem::take(&mut self.deferred).into_iter().collect());
        self.numbers.clear();
        self.events
            .values_mut()
            .for_each(|event| event.number = None);
    }

    /// Takes out the next event to tell again.
    pub(super) fn next_due(&mut self) -> Option<Entry> {
        while let Some(place) = self.due.pop_front() {
            if let Some((_, entry)) = self.remove(place) {
                return Some(entry);
            }
        }
        None
    }
}
