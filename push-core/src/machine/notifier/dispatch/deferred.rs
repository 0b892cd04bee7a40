//! Events that wait at their adapters for push services (docs/protocol.md §3.4): when each is to be told again, and when it ends.

use crate::Timestamp;
use crate::hash::{Seeded, SeededMap};
use crate::ids::{EventHold, HostId, ServiceKey, Slot};
use crate::link::{Recipient, RecipientId};
use crate::machine::deadlines::{Deadlines, Key};
use crate::machine::values::{Attempts, Deferral, Parked, Retry, add_keys};
use crate::registration::Registration;
use std::collections::{BTreeMap, BTreeSet};

/// All deferred events, by what may end their waiting: time, room at a push service, the end of a registration.
#[derive(Debug)]
pub(super) struct Deferred {
    entries: BTreeMap<EventHold, Entry>,
    /// Those that no adapter has been asked for, in the order in which they are.
    waiting: BTreeSet<(ServiceKey, Timestamp, EventHold)>,
    by_owner: BTreeSet<(u64, EventHold)>,
    by_expiry: BTreeSet<(Timestamp, EventHold)>,
    /// How many events adapters were asked for that are not decided on yet.
    asked: SeededMap<ServiceKey, usize>,
    /// When the first of a push service may be told again.
    wakes: Deadlines<(HostId, ServiceKey)>,
    wake_of: SeededMap<ServiceKey, Key>,
    /// How many events wait for each push service.
    count: SeededMap<ServiceKey, usize>,
    /// How many the adapters of hosts can keep.
    bounds: BTreeMap<HostId, u64>,
    /// When it was looked last whether something is due.
    ticked_at: Timestamp,
}

/// One deferred event.
#[derive(Debug)]
struct Entry {
    parked: Vec<Parked>,
    /// The push service that its adapter was asked on behalf of.
    asked_for: Option<ServiceKey>,
}

impl Entry {
    fn owner(&self) -> u64 {
        self.parked.first().map_or(0, |parked| parked.slot.owner)
    }

    /// Returns when nothing of it is worth telling any more.
    fn expires_at(&self) -> Option<Timestamp> {
        let each = self.parked.iter().map(|parked| parked.expires_at);
        each.collect::<Option<Vec<_>>>()?.into_iter().max()
    }
}

impl Deferred {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            entries: BTreeMap::new(),
            waiting: BTreeSet::new(),
            by_owner: BTreeSet::new(),
            by_expiry: BTreeSet::new(),
            asked: hash.map(),
            wakes: Deadlines::new(),
            wake_of: hash.map(),
            count: hash.map(),
            bounds: BTreeMap::new(),
            ticked_at: Timestamp::default(),
        }
    }

    /// Defers an event, or joins it with a deferred one of the same user for the same registrations.
    pub(super) fn insert(&mut self, event: EventHold, parked: Vec<Parked>) -> Deferral {
        let into = self.like(event, &parked);
        if let Some(into) = into {
            self.join(into, parked);
        } else {
            self.enter(event, parked);
        }
        let parked = &self.entries[&into.unwrap_or(event)].parked;
        Deferral {
            event,
            into,
            recipients: recipients(parked),
        }
    }

    fn like(&self, event: EventHold, parked: &[Parked]) -> Option<EventHold> {
        let owner = parked.first()?.slot.owner;
        let slots = slots(parked);
        let mut of_owner = self.of_owner(owner);
        of_owner.find(|known| {
            let is_of_epoch = (known.host, known.generation) == (event.host, event.generation);
            let entry = &self.entries[known];
            is_of_epoch && entry.asked_for.is_none() && slots == self::slots(&entry.parked)
        })
    }

    /// Returns whether an event waits for a delivery to this registration that its adapter was not asked for.
    pub(super) fn has(&self, slot: Slot) -> bool {
        self.of_owner(slot.owner).any(|event| {
            let entry = &self.entries[&event];
            entry.asked_for.is_none() && entry.parked.iter().any(|parked| parked.slot == slot)
        })
    }

    /// Notes how many events the adapter of a host can keep, of which one push service gets half.
    pub(super) fn set_bound(&mut self, host: HostId, bound: u64) {
        self.bounds.insert(host, bound);
    }

    /// Ends an event of a push service for which too many wait: the one that has been tried least lately. Returns for whom it was.
    pub(super) fn drop_one(
        &mut self,
        host: HostId,
        service: ServiceKey,
    ) -> Option<(EventHold, Vec<Parked>)> {
        let bound = self.bounds.get(&host).map_or(u64::MAX, |bound| bound / 2);
        let count = self.count.get(&service).copied().unwrap_or_default();
        if count as u64 <= bound {
            return None;
        }
        let mut waiting = self.waiting.range((service, Timestamp::default(), FIRST)..);
        let (of, _, event) = *waiting.next()?;
        (of == service).then(|| (event, self.end(event)))
    }

    /// Both wait as long as the newer one, and end with the later.
    fn join(&mut self, into: EventHold, newer: Vec<Parked>) {
        self.leave_indices(into);
        if let Some(entry) = self.entries.get_mut(&into) {
            for newer in newer {
                let mut known = entry.parked.iter_mut();
                if let Some(known) = known.find(|known| known.slot == newer.slot) {
                    known.attempts = Attempts {
                        failed: known.attempts.failed.max(newer.attempts.failed),
                        ..newer.attempts
                    };
                    add_keys(&mut known.keys, newer.keys);
                    known.expires_at = known.expires_at.max(newer.expires_at);
                    known.registration = newer.registration;
                }
            }
        }
        self.enter_indices(into);
    }

    fn enter(&mut self, event: EventHold, parked: Vec<Parked>) {
        let entry = Entry {
            parked,
            asked_for: None,
        };
        self.by_owner.insert((entry.owner(), event));
        self.add(&entry.parked, 1);
        self.entries.insert(event, entry);
        self.enter_indices(event);
    }

    /// Returns up to `room` events for a push service that may be told again now. Their adapters are asked for them.
    pub(super) fn resume(
        &mut self,
        now: Timestamp,
        service: ServiceKey,
        room: usize,
    ) -> Vec<EventHold> {
        let asked = self.asked.get(&service).copied().unwrap_or_default();
        let due = (service, Timestamp::default(), FIRST)..=(service, now, LAST);
        let events = self.waiting.range(due).map(|(_, _, event)| *event);
        let events: Vec<EventHold> = events.take(room.saturating_sub(asked)).collect();
        for event in &events {
            self.leave_indices(*event);
            if let Some(entry) = self.entries.get_mut(event) {
                entry.asked_for = Some(service);
                *self.asked.entry(service).or_default() += 1;
            }
            self.enter_indices(*event);
        }
        self.set_wake(service);
        events
    }

    /// Takes an event that its adapter tells again.
    pub(super) fn take(&mut self, event: EventHold) -> Option<Retry> {
        let entry = self.remove(event)?;
        let mut keys = Vec::new();
        for parked in &entry.parked {
            add_keys(&mut keys, parked.keys.iter().copied());
        }
        let recipient = |parked: &Parked| {
            let id = RecipientId::of(&parked.registration.target);
            let attempts = Attempts {
                is_behind: false,
                ..parked.attempts
            };
            (id, attempts)
        };
        Some(Retry {
            recipients: Some(entry.parked.iter().map(recipient).collect()),
            keys,
            asked_for: entry
                .asked_for
                .map(|of| (event.host, of))
                .into_iter()
                .collect(),
        })
    }

    /// Events that were asked for on behalf of this push service have come, and are decided on.
    pub(super) fn arrived(&mut self, service: ServiceKey) {
        if let Some(asked) = self.asked.get_mut(&service) {
            *asked = asked.saturating_sub(1);
            if *asked == 0 {
                self.asked.remove(&service);
            }
        }
    }

    /// Returns the deferral of an event whose adapter has not heard of it.
    pub(super) fn again(&mut self, event: EventHold) -> Option<Deferral> {
        self.ask_no_more(event);
        let entry = self.entries.get(&event)?;
        Some(Deferral {
            event,
            into: None,
            recipients: recipients(&entry.parked),
        })
    }

    /// An event is over. Returns for whom it was deferred.
    pub(super) fn end(&mut self, event: EventHold) -> Vec<Parked> {
        let Some(entry) = self.remove(event) else {
            return Vec::new();
        };
        if let Some(service) = entry.asked_for {
            self.arrived(service);
        }
        entry.parked
    }

    /// Lets the events of a user be told again at once that have waited for the end of another delivery of theirs.
    pub(super) fn release(&mut self, owner: u64, service: ServiceKey, now: Timestamp) {
        let events: Vec<EventHold> = self.of_owner(owner).collect();
        for event in events {
            self.leave_indices(event);
            let entry = self.entries.get_mut(&event);
            for parked in entry.into_iter().flat_map(|entry| &mut entry.parked) {
                if parked.service == service && parked.attempts.is_behind {
                    parked.attempts.not_before = now;
                    parked.attempts.is_behind = false;
                }
            }
            self.enter_indices(event);
        }
    }

    /// Lets all events of a push service be told again at once: it is well again.
    pub(super) fn release_all(&mut self, service: ServiceKey, now: Timestamp) {
        let later = (service, now, LAST)..=(service, Timestamp::from_millis(u64::MAX), LAST);
        let events: Vec<EventHold> = self
            .waiting
            .range(later)
            .map(|(.., event)| *event)
            .collect();
        for event in events {
            self.leave_indices(event);
            let entry = self.entries.get_mut(&event);
            for parked in entry.into_iter().flat_map(|entry| &mut entry.parked) {
                if parked.service == service {
                    parked.attempts.not_before = parked.attempts.not_before.min(now);
                }
            }
            self.enter_indices(event);
        }
    }

    /// Takes registrations off the events of a user. Returns the events that are left for nobody, with whom they were for.
    pub(super) fn withdraw(
        &mut self,
        owner: u64,
        is_meant: impl Fn(&Registration) -> bool,
    ) -> Vec<(EventHold, Vec<Parked>)> {
        let events: Vec<EventHold> = self.of_owner(owner).collect();
        let mut over = Vec::new();
        for event in events {
            self.leave_indices(event);
            let entry = self.entries.get_mut(&event);
            let taken = entry.map(|entry| {
                let parked = entry
                    .parked
                    .extract_if(.., |parked| is_meant(&parked.registration));
                parked.collect::<Vec<_>>()
            });
            self.add(taken.as_deref().unwrap_or_default(), -1);
            self.enter_indices(event);
            let is_empty = |entry: &Entry| entry.parked.is_empty();
            if self.entries.get(&event).is_some_and(is_empty) {
                self.by_owner.remove(&(owner, event));
                self.end(event);
                over.push((event, taken.unwrap_or_default()));
            }
        }
        over
    }

    /// An adapter is away: what it was asked for it may not have heard.
    pub(super) fn detach(&mut self, host: HostId) {
        for event in self.of_host(host) {
            self.ask_no_more(event);
        }
    }

    /// Forgets the events of a host that are not of this epoch of its adapter, which tells them again. Returns for whom they were.
    pub(super) fn forget(&mut self, host: HostId, generation: Option<u32>) -> Vec<Parked> {
        let events = self.of_host(host).into_iter();
        let forgotten = events.filter(|event| Some(event.generation) != generation);
        forgotten.flat_map(|event| self.end(event)).collect()
    }

    /// Returns an event that is not worth telling any more, with whom it was for.
    pub(super) fn tick(&mut self, now: Timestamp) -> Option<(EventHold, Vec<Parked>)> {
        let (at, event) = *self.by_expiry.first()?;
        (at <= now).then(|| (event, self.end(event)))
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

    /// Returns how many events are deferred.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn ask_no_more(&mut self, event: EventHold) {
        self.leave_indices(event);
        let entry = self.entries.get_mut(&event);
        if let Some(service) = entry.and_then(|entry| entry.asked_for.take()) {
            self.arrived(service);
        }
        self.enter_indices(event);
    }

    fn remove(&mut self, event: EventHold) -> Option<Entry> {
        self.leave_indices(event);
        let entry = self.entries.remove(&event)?;
        self.by_owner.remove(&(entry.owner(), event));
        self.add(&entry.parked, -1);
        Some(entry)
    }

    fn add(&mut self, parked: &[Parked], change: isize) {
        for parked in parked {
            let count = self.count.entry(parked.service).or_default();
            *count = count.saturating_add_signed(change);
            if *count == 0 {
                self.count.remove(&parked.service);
            }
        }
    }

    fn leave_indices(&mut self, event: EventHold) {
        let Some(entry) = self.entries.get(&event) else {
            return;
        };
        if let Some(at) = entry.expires_at() {
            self.by_expiry.remove(&(at, event));
        }
        for parked in &entry.parked {
            let not_before = parked.attempts.not_before;
            self.waiting.remove(&(parked.service, not_before, event));
        }
    }

    fn enter_indices(&mut self, event: EventHold) {
        let Some(entry) = self.entries.get(&event) else {
            return;
        };
        if let Some(at) = entry.expires_at() {
            self.by_expiry.insert((at, event));
        }
        if entry.asked_for.is_some() {
            return;
        }
        let waiting = entry.parked.iter();
        let waiting = waiting.map(|parked| (parked.service, parked.attempts.not_before, event));
        let waiting: Vec<_> = waiting.collect();
        for one in waiting {
            self.waiting.insert(one);
            self.set_wake(one.0);
        }
    }

    /// Sets the time at which the first event of a push service may be told again, if that is yet to come.
    fn set_wake(&mut self, service: ServiceKey) {
        let now = self.ticked_at;
        let mut waiting = self.waiting.range((service, Timestamp::default(), FIRST)..);
        let first = waiting.next().filter(|(of, ..)| *of == service);
        let first = first.filter(|(_, at, _)| *at > now);
        let at = first.map(|(_, at, event)| (*at, event.host));
        if let Some(known) = self.wake_of.remove(&service) {
            self.wakes.cancel(known);
        }
        if let Some((at, host)) = at {
            let key = self.wakes.set(at, (host, service));
            self.wake_of.insert(service, key);
        }
    }

    /// Returns the push services for which events of a host wait.
    pub(super) fn services(&self, host: HostId) -> BTreeSet<ServiceKey> {
        let events = self.of_host(host).into_iter();
        let parked = events.filter_map(|event| self.entries.get(&event));
        let parked = parked.flat_map(|entry| &entry.parked);
        parked.map(|parked| parked.service).collect()
    }

    fn of_owner(&self, owner: u64) -> impl Iterator<Item = EventHold> {
        let of_owner = self.by_owner.range((owner, FIRST)..=(owner, LAST));
        of_owner.map(|(_, event)| *event)
    }

    fn of_host(&self, host: HostId) -> Vec<EventHold> {
        let of_host = EventHold { host, ..FIRST }..=EventHold { host, ..LAST };
        self.entries
            .range(of_host)
            .map(|(event, _)| *event)
            .collect()
    }
}

/// The least of all events, and the greatest.
const FIRST: EventHold = EventHold {
    host: HostId::FIRST,
    generation: 0,
    number: 0,
};
const LAST: EventHold = EventHold {
    host: HostId::LAST,
    generation: u32::MAX,
    number: u64::MAX,
};

fn slots(parked: &[Parked]) -> BTreeSet<Slot> {
    parked.iter().map(|parked| parked.slot).collect()
}

fn recipients(parked: &[Parked]) -> Vec<Recipient> {
    let registrations = parked.iter().map(|parked| parked.registration.clone());
    registrations.map(Recipient::new).collect()
}
