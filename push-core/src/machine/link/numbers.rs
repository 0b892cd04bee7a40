//! Event numbers of one adapter: which are new, in work, deferred, and done (docs/protocol.md §3.3 and §3.4).

use crate::ids::{EventHold, HostId};
use crate::link::{Ranges, ToAdapter};
use crate::machine::values::Withdrawn;
use std::collections::BTreeSet;
use std::sync::Arc;

/// An event, as its number tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::machine) enum Taken {
    New(EventHold),
    /// It was deferred, and the adapter has not heard so.
    Deferred(EventHold),
    /// It is in work or done.
    Known,
}

/// Numbers that have joined another, until the adapter must have heard so. In two generations, of which the old one was there
/// when the adapter was asked whether it is there.
#[derive(Debug, Default)]
struct Joined {
    young: BTreeSet<u64>,
    old: BTreeSet<u64>,
}

impl Joined {
    fn insert(&mut self, number: u64) {
        self.young.insert(number);
    }

    fn remove(&mut self, number: u64) -> bool {
        self.young.remove(&number) || self.old.remove(&number)
    }

    fn age(&mut self) {
        self.old.append(&mut self.young);
    }

    fn forget_old(&mut self) {
        self.old.clear();
    }
}

/// The numbers of the adapter's present epoch.
#[derive(Debug)]
pub(super) struct Numbers {
    host: HostId,
    epoch: Option<Arc<str>>,
    /// How many epochs there were.
    generation: u32,
    highest: u64,
    in_work: BTreeSet<u64>,
    deferred: BTreeSet<u64>,
    /// Those that have joined a deferred event: the adapter has forgotten them, if it has heard so.
    joined: Joined,
    /// Done and not acknowledged yet, as (first, last).
    done: Vec<(u64, u64)>,
    /// Those of them that were deferred: the adapter does not tell them again.
    ended: Vec<(u64, u64)>,
}

impl Numbers {
    pub(super) fn new(host: HostId) -> Self {
        Self {
            host,
            epoch: None,
            generation: 0,
            highest: 0,
            in_work: BTreeSet::new(),
            deferred: BTreeSet::new(),
            joined: Joined::default(),
            done: Vec::new(),
            ended: Vec::new(),
        }
    }

    pub(super) fn host(&self) -> HostId {
        self.host
    }

    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    /// The adapter is in this epoch. Numbers of another one are void.
    pub(super) fn enter(&mut self, epoch: &str) {
        if self.epoch.as_deref() != Some(epoch) {
            self.leave();
            self.epoch = Some(epoch.into());
        }
    }

    /// Forgets all numbers, and that they were ever heard.
    pub(super) fn leave(&mut self) {
        self.epoch = None;
        self.generation += 1;
        self.highest = 0;
        self.in_work.clear();
        self.deferred.clear();
        self.joined = Joined::default();
        self.done.clear();
        self.ended.clear();
    }

    /// Takes an event. One that is known already is no news, and is acknowledged again if it is done.
    ///
    /// `skipped`: something was passed over since the stream came up. Numbers that are missing then were over the
    /// transport's limit, and sending them again would not help.
    pub(super) fn take(&mut self, number: u64, skipped: bool) -> Taken {
        if number <= self.highest {
            return self.take_again(number);
        }
        if skipped && self.highest + 1 < number {
            self.done.push((self.highest + 1, number - 1));
        }
        self.highest = number;
        self.in_work.insert(number);
        Taken::New(self.event(number))
    }

    fn take_again(&mut self, number: u64) -> Taken {
        if self.in_work.contains(&number) {
            return Taken::Known;
        }
        if self.deferred.remove(&number) || self.joined.remove(number) {
            self.in_work.insert(number);
            return Taken::Deferred(self.event(number));
        }
        self.done.push((number, number));
        Taken::Known
    }

    /// An event in work is deferred. Returns false if its epoch is over.
    pub(super) fn defer(&mut self, event: EventHold, into: Option<EventHold>) -> bool {
        let is_present = event.generation == self.generation && self.in_work.remove(&event.number);
        if is_present && into.is_none() {
            self.deferred.insert(event.number);
        } else if is_present {
            self.joined.insert(event.number);
        }
        is_present
    }

    /// Takes the number under which an event was deferred that is told again.
    pub(super) fn resumed(&mut self, (epoch, number): (&str, u64)) -> Option<EventHold> {
        let is_present = self.epoch.as_deref() == Some(epoch) && self.deferred.remove(&number);
        is_present.then(|| self.event(number))
    }

    /// The adapter has been asked whether it is there: once it has answered, it has heard of all that has joined until now.
    pub(super) fn pinged(&mut self) {
        self.joined.age();
    }

    /// The adapter has answered.
    pub(super) fn answered(&mut self) {
        self.joined.forget_old();
    }

    /// Nothing is left to do for an event, in work or deferred.
    pub(super) fn done(&mut self, event: EventHold) {
        let number = event.number;
        if event.generation != self.generation {
            return;
        }
        if self.in_work.remove(&number) {
            self.done.push((number, number));
        } else if self.deferred.remove(&number) {
            self.ended.push((number, number));
        }
    }

    /// Takes the withdrawal of these numbers. Returns those that are in work, and those that were deferred.
    pub(super) fn withdraw(&mut self, numbers: &Ranges) -> Withdrawn {
        let among = |known: &BTreeSet<u64>| -> Vec<u64> {
            let found = numbers
                .iter()
                .map(|(first, last)| known.range(first..=last));
            found.flatten().copied().collect()
        };
        let (in_work, deferred) = (among(&self.in_work), among(&self.deferred));
        deferred.iter().for_each(|number| {
            self.deferred.remove(number);
        });
        let events = |numbers: Vec<u64>| {
            let events = numbers.into_iter().map(|number| self.event(number));
            events.collect()
        };
        Withdrawn {
            in_work: events(in_work),
            deferred: events(deferred),
        }
    }

    /// Returns how many acknowledgements are to be sent.
    pub(super) fn waiting(&self) -> usize {
        self.done.len() + self.ended.len()
    }

    /// Returns the acknowledgement of all that is done.
    pub(super) fn acknowledge(&mut self, session: &Arc<str>) -> Option<ToAdapter> {
        if self.waiting() == 0 {
            return None;
        }
        let session = session.clone();
        let mut done = std::mem::take(&mut self.done);
        done.append(&mut self.ended);
        let numbers = Ranges::joined(done);
        Some(ToAdapter::Ack { session, numbers })
    }

    /// Drops the acknowledgements that were not sent: the adapter tells those events again.
    pub(super) fn forget_done(&mut self) {
        self.done.clear();
    }

    fn event(&self, number: u64) -> EventHold {
        EventHold {
            host: self.host,
            generation: self.generation,
            number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers() -> Numbers {
        let mut numbers = Numbers::new(HostId::new(0));
        numbers.enter("e");
        numbers
    }

    fn new(numbers: &mut Numbers, number: u64) -> EventHold {
        match numbers.take(number, false) {
            Taken::New(event) => event,
            other => unreachable!("{other:?}"),
        }
    }

    fn acknowledged(numbers: &mut Numbers) -> Option<String> {
        match numbers.acknowledge(&"s".into())? {
            ToAdapter::Ack { numbers, .. } => Some(numbers.to_string()),
            _ => None,
        }
    }

    #[test]
    fn a_number_is_news_once_and_acknowledged_again_when_done() {
        let mut numbers = numbers();
        let first = new(&mut numbers, 1);
        assert_eq!(numbers.take(1, false), Taken::Known);
        assert_eq!(acknowledged(&mut numbers), None, "in work");
        numbers.done(first);
        assert_eq!(acknowledged(&mut numbers).as_deref(), Some("1"));
        assert_eq!(numbers.take(1, false), Taken::Known);
        assert_eq!(acknowledged(&mut numbers).as_deref(), Some("1"));
    }

    #[test]
    fn a_gap_is_done_only_if_something_was_passed_over() {
        let mut numbers = numbers();
        numbers.take(3, false);
        assert_eq!(acknowledged(&mut numbers), None);
        numbers.take(6, true);
        assert_eq!(acknowledged(&mut numbers).as_deref(), Some("4-5"));
    }

    #[test]
    fn numbers_of_another_epoch_are_void() {
        let mut numbers = numbers();
        let old = new(&mut numbers, 1);
        numbers.enter("f");
        numbers.done(old);
        assert_eq!(acknowledged(&mut numbers), None);
        assert!(matches!(numbers.take(1, false), Taken::New(_)));
        assert!(numbers.resumed(("e", 1)).is_none());
        assert_eq!(numbers.withdraw(&Ranges::of(0..9)).in_work.len(), 1);
    }

    #[test]
    fn a_deferred_number_that_comes_again_was_not_heard_of() {
        let mut numbers = numbers();
        let [first, second] = [1, 2].map(|number| new(&mut numbers, number));
        assert!(numbers.defer(first, None) && numbers.defer(second, Some(first)));
        assert_eq!(numbers.take(2, false), Taken::Deferred(second));
        assert_eq!(numbers.take(1, false), Taken::Deferred(first));
        assert!(numbers.defer(first, None) && numbers.defer(second, Some(first)));
        numbers.pinged();
        numbers.answered();
        assert_eq!(numbers.take(2, false), Taken::Known, "it has heard of it");
        assert_eq!(numbers.resumed(("e", 1)), Some(first));
        assert_eq!(numbers.resumed(("e", 1)), None);
    }

    #[test]
    fn a_deferred_number_ends_by_withdrawal_or_when_it_is_done() {
        let mut numbers = numbers();
        let events = [1, 2].map(|number| new(&mut numbers, number));
        events
            .iter()
            .for_each(|event| assert!(numbers.defer(*event, None)));
        assert_eq!(numbers.withdraw(&Ranges::of([1])).deferred, events[..1]);
        numbers.done(events[1]);
        assert_eq!(acknowledged(&mut numbers).as_deref(), Some("2"));
        assert!(numbers.withdraw(&Ranges::of([1, 2])).deferred.is_empty());
    }
}
