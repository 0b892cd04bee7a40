//! Deferred events by what may end their waiting.

use super::entry::Entry;
use crate::Timestamp;
use crate::hash::{Seeded, SeededMap};
use crate::ids::{EventHold, HostId, ServiceKey};
use crate::machine::deadlines::{Deadlines, Key};
use std::collections::BTreeSet;

/// The least of all events, and the greatest.
pub(super) const FIRST: EventHold = EventHold {
    host: HostId::FIRST,
    generation: 0,
    number: 0,
};
pub(super) const LAST: EventHold = EventHold {
    host: HostId::LAST,
    generation: u32::MAX,
    number: u64::MAX,
};

/// Numbers of deferred events, in the orders in which they are looked for.
#[derive(Debug)]
pub(super) struct Index {
    /// Those that no adapter has been asked for, by when they may be told again.
    waiting: BTreeSet<(ServiceKey, Timestamp, EventHold)>,
    by_owner: BTreeSet<(u64, EventHold)>,
    /// Those of a user of which some waits for the end of another delivery of theirs.
    behind: BTreeSet<(u64, EventHold)>,
    /// Those of a push service, the oldest first.
    by_service: BTreeSet<(ServiceKey, EventHold)>,
    by_expiry: BTreeSet<(Timestamp, EventHold)>,
    /// How many there are for each push service.
    count: SeededMap<ServiceKey, usize>,
    /// When the first of a push service may be told again.
    wakes: Deadlines<(HostId, ServiceKey)>,
    wake_of: SeededMap<ServiceKey, Key>,
    /// When it was looked last whether something is due.
    ticked_at: Timestamp,
}

impl Index {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            waiting: BTreeSet::new(),
            by_owner: BTreeSet::new(),
            behind: BTreeSet::new(),
            by_service: BTreeSet::new(),
            by_expiry: BTreeSet::new(),
            count: hash.map(),
            wakes: Deadlines::new(),
            wake_of: hash.map(),
            ticked_at: Timestamp::default(),
        }
    }

    pub(super) fn insert(&mut self, event: EventHold, entry: &Entry) {
        self.by_owner.insert((entry.owner(), event));
        self.by_expiry.insert((entry.expires_at(), event));
        if entry.is_behind() {
            self.behind.insert((entry.owner(), event));
        }
        for service in entry.services() {
            self.by_service.insert((service, event));
            *self.count.entry(service).or_default() += 1;
        }
        for parked in entry.parked() {
            if entry.asked_for().is_none() {
                let not_before = parked.attempts.not_before;
                self.waiting.insert((parked.service, not_before, event));
                self.set_wake(parked.service);
            }
        }
    }

    pub(super) fn remove(&mut self, event: EventHold, entry: &Entry) {
        self.by_owner.remove(&(entry.owner(), event));
        self.behind.remove(&(entry.owner(), event));
        self.by_expiry.remove(&(entry.expires_at(), event));
        for parked in entry.parked() {
            let not_before = parked.attempts.not_before;
            self.waiting.remove(&(parked.service, not_before, event));
        }
        for service in entry.services() {
            self.by_service.remove(&(service, event));
            if let Some(count) = self.count.get_mut(&service) {
                *count -= 1;
                if *count == 0 {
                    self.count.remove(&service);
                }
            }
        }
    }

    /// Returns how many events wait for a push service.
    pub(super) fn count(&self, service: ServiceKey) -> usize {
        self.count.get(&service).copied().unwrap_or_default()
    }

    /// Returns the oldest event that waits for a push service.
    pub(super) fn oldest(&self, service: ServiceKey) -> Option<EventHold> {
        let mut of_service = self.by_service.range((service, FIRST)..=(service, LAST));
        of_service.next().map(|(_, event)| *event)
    }

    /// Returns the events that may be told to a push service by then, the one that may be told first before the others.
    pub(super) fn due(
        &self,
        service: ServiceKey,
        by: Timestamp,
    ) -> impl Iterator<Item = EventHold> {
        let due = (service, Timestamp::default(), FIRST)..=(service, by, LAST);
        self.waiting.range(due).map(|(.., event)| *event)
    }

    pub(super) fn of_owner(&self, owner: u64) -> impl Iterator<Item = EventHold> {
        let of_owner = self.by_owner.range((owner, FIRST)..=(owner, LAST));
        of_owner.map(|(_, event)| *event)
    }

    /// Returns those of a user of which some waits for the end of another delivery of theirs.
    pub(super) fn behind(&self, owner: u64) -> impl Iterator<Item = EventHold> {
        let behind = self.behind.range((owner, FIRST)..=(owner, LAST));
        behind.map(|(_, event)| *event)
    }

    /// Returns the first event that is not worth telling any more.
    pub(super) fn expired(&self, now: Timestamp) -> Option<EventHold> {
        let (at, event) = self.by_expiry.first()?;
        (*at <= now).then_some(*event)
    }

    /// Returns a push service of which events may be told again from now on.
    pub(super) fn wake(&mut self, now: Timestamp) -> Option<(HostId, ServiceKey)> {
        self.ticked_at = now;
        let (host, service) = self.wakes.pop_due(now)?;
        self.wake_of.remove(&service);
        Some((host, service))
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        let expiry = self.by_expiry.first().map(|(at, _)| *at);
        expiry.into_iter().chain(self.wakes.next()).min()
    }

    /// Sets the time at which the first event of a push service may be told again, if that is yet to come.
    pub(super) fn set_wake(&mut self, service: ServiceKey) {
        let mut waiting = self.waiting.range((service, Timestamp::default(), FIRST)..);
        let first = waiting.next().filter(|(of, ..)| *of == service);
        let first = first.filter(|(_, at, _)| *at > self.ticked_at);
        let at = first.map(|(_, at, event)| (*at, event.host));
        if let Some(known) = self.wake_of.remove(&service) {
            self.wakes.cancel(known);
        }
        if let Some((at, host)) = at {
            let key = self.wakes.set(at, (host, service));
            self.wake_of.insert(service, key);
        }
    }
}
