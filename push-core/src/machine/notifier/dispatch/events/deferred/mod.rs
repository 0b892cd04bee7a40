//! Events that wait at their adapter for push services (docs/protocol.md §3.4): when each is to be told again, and when it ends.

mod entry;
mod index;
#[cfg(test)]
mod tests;

use crate::Timestamp;
use crate::hash::{Seeded, SeededMap};
use crate::ids::{EventHold, HostId, ServiceKey, Slot};
use crate::machine::deadlines::Deadlines;
use crate::machine::values::{Deferral, Parked, Retry};
use crate::registration::Registration;
use entry::Entry;
use index::{FIRST, Index, LAST};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long an adapter may take to tell an event again that it was asked for. The event may have ended there.
const PATIENCE: Duration = Duration::from_secs(60);

/// All deferred events.
#[derive(Debug)]
pub(super) struct Deferred {
    entries: BTreeMap<EventHold, Entry>,
    index: Index,
    /// How many events adapters were asked for that are not decided on yet.
    asked: SeededMap<ServiceKey, usize>,
    /// Events that an adapter was asked for, by when it must have told them again.
    overdue: Deadlines<EventHold>,
    /// How many the adapters of hosts can keep.
    bounds: BTreeMap<HostId, u64>,
}

impl Deferred {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            entries: BTreeMap::new(),
            index: Index::new(hash),
            asked: hash.map(),
            overdue: Deadlines::new(),
            bounds: BTreeMap::new(),
        }
    }

    /// Defers an event, or joins it with a deferred one of the same user for the same registrations.
    pub(super) fn insert(&mut self, event: EventHold, parked: Vec<Parked>) -> Deferral {
        let into = self.like(event, &parked);
        if let Some(into) = into {
            self.change(into, |entry| entry.join(parked));
        } else {
            let entry = Entry::new(parked);
            self.index.insert(event, &entry);
            self.entries.insert(event, entry);
        }
        let entry = &self.entries[&into.unwrap_or(event)];
        Deferral {
            event,
            into,
            recipients: entry.recipients(),
        }
    }

    fn like(&self, event: EventHold, parked: &[Parked]) -> Option<EventHold> {
        let owner = parked.first()?.slot.owner;
        self.index.of_owner(owner).find(|known| {
            let is_of_epoch = (known.host, known.generation) == (event.host, event.generation);
            let entry = &self.entries[known];
            is_of_epoch && !entry.is_asked() && entry.is_like(parked)
        })
    }

    /// Returns whether an event waits for a delivery to this registration.
    pub(super) fn has(&self, slot: Slot) -> bool {
        let mut of_owner = self.index.of_owner(slot.owner);
        of_owner.any(|event| self.entries[&event].is_for(slot))
    }

    /// Notes how many events the adapter of a host can keep, of which one push service gets half.
    pub(super) fn set_bound(&mut self, host: HostId, bound: u64) {
        self.bounds.insert(host, bound);
    }

    /// Ends an event of a push service for which too many wait: the one that has waited longest. Returns for whom it was.
    pub(super) fn drop_one(
        &mut self,
        host: HostId,
        service: ServiceKey,
    ) -> Option<(EventHold, Vec<Parked>)> {
        let bound = self.bounds.get(&host).map_or(u64::MAX, |bound| bound / 2);
        if self.index.count(service) as u64 <= bound {
            return None;
        }
        let event = self.index.due(service, Timestamp::MAX).next()?;
        Some((event, self.end(event)))
    }

    /// Returns up to `room` events for a push service that may be told again now. Their adapters are asked for them.
    pub(super) fn resume(
        &mut self,
        now: Timestamp,
        service: ServiceKey,
        room: usize,
    ) -> Vec<EventHold> {
        let asked = self.asked.get(&service).copied().unwrap_or_default();
        let due = self.index.due(service, now);
        let events = first_of(due, room.saturating_sub(asked));
        for event in &events {
            self.change(*event, |entry| entry.ask(service));
            self.overdue.set(now.after(PATIENCE), *event);
            *self.asked.entry(service).or_default() += 1;
        }
        self.index.set_wake(service);
        events
    }

    /// Takes an event that its adapter tells again.
    pub(super) fn take(&mut self, now: Timestamp, event: EventHold) -> Option<Retry> {
        let entry = self.remove(event)?;
        Some(entry.into_retry(now, event.host))
    }

    /// An event that was asked for on behalf of this push service has come, and is decided on.
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
            recipients: entry.recipients(),
        })
    }

    /// An event is over. Returns for whom it was deferred.
    pub(super) fn end(&mut self, event: EventHold) -> Vec<Parked> {
        let Some(mut entry) = self.remove(event) else {
            return Vec::new();
        };
        if let Some(service) = entry.ask_no_more() {
            self.arrived(service);
        }
        entry.into_parked()
    }

    /// Lets the events of a user be told again at once that have waited for the end of another delivery of theirs. Returns the push
    /// services that they wait for.
    pub(super) fn release(&mut self, now: Timestamp, owner: u64) -> BTreeSet<ServiceKey> {
        let events: Vec<EventHold> = self.index.of_owner(owner).collect();
        let mut services = BTreeSet::new();
        for event in events {
            self.change(event, |entry| {
                services.extend(entry.services());
                entry.release(now, |parked| parked.attempts.is_behind);
            });
        }
        services
    }

    /// Lets all events of a push service be told again at once: it is well again.
    pub(super) fn release_all(&mut self, now: Timestamp, service: ServiceKey) {
        let events: Vec<EventHold> = self.index.due(service, Timestamp::MAX).collect();
        for event in events {
            self.change(event, |entry| {
                entry.release(now, |parked| parked.service == service);
            });
        }
    }

    /// Takes registrations off the events of a user. Returns the events that are left for nobody, with whom they were for.
    pub(super) fn withdraw(
        &mut self,
        owner: u64,
        is_meant: impl Fn(&Registration) -> bool,
    ) -> Vec<(EventHold, Vec<Parked>)> {
        let events: Vec<EventHold> = self.index.of_owner(owner).collect();
        let mut over = Vec::new();
        for event in events {
            let taken = self.change(event, |entry| entry.take_off(&is_meant));
            let is_empty = |entry: &Entry| entry.parked().is_empty();
            if self.entries.get(&event).is_some_and(is_empty) {
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

    /// Forgets an event that its adapter was asked for and has not told again: it has ended there, or takes its time. Returns for
    /// whom it was.
    pub(super) fn give_up(&mut self, now: Timestamp) -> Option<Vec<Parked>> {
        let event = self.overdue.pop_due(now)?;
        let is_asked = self.entries.get(&event).is_some_and(Entry::is_asked);
        if is_asked {
            return Some(self.end(event));
        }
        Some(Vec::new())
    }

    /// Returns an event that is not worth telling any more, with whom it was for.
    pub(super) fn tick(&mut self, now: Timestamp) -> Option<(EventHold, Vec<Parked>)> {
        let event = self.index.expired(now)?;
        Some((event, self.end(event)))
    }

    /// Returns a push service of which events may be told again from now on.
    pub(super) fn wake(&mut self, now: Timestamp) -> Option<(HostId, ServiceKey)> {
        self.index.wake(now)
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        let overdue = self.overdue.next();
        overdue.into_iter().chain(self.index.next_deadline()).min()
    }

    /// Returns how many events are deferred.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the push services for which events of a host wait.
    pub(super) fn services(&self, host: HostId) -> BTreeSet<ServiceKey> {
        let events = self.of_host(host).into_iter();
        let parked = events.flat_map(|event| self.entries[&event].parked());
        parked.map(|parked| parked.service).collect()
    }

    fn ask_no_more(&mut self, event: EventHold) {
        if let Some(service) = self.change(event, Entry::ask_no_more).flatten() {
            self.arrived(service);
        }
    }

    /// Changes an event, and where it is found.
    fn change<T>(&mut self, event: EventHold, change: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        let entry = self.entries.get_mut(&event)?;
        self.index.remove(event, entry);
        let changed = change(entry);
        self.index.insert(event, entry);
        Some(changed)
    }

    fn remove(&mut self, event: EventHold) -> Option<Entry> {
        let entry = self.entries.remove(&event)?;
        self.index.remove(event, &entry);
        Some(entry)
    }

    fn of_host(&self, host: HostId) -> Vec<EventHold> {
        let of_host = EventHold { host, ..FIRST }..=EventHold { host, ..LAST };
        let of_host = self.entries.range(of_host);
        of_host.map(|(event, _)| *event).collect()
    }
}

/// Returns the first events, each once.
fn first_of(events: impl Iterator<Item = EventHold>, most: usize) -> Vec<EventHold> {
    let mut first = Vec::new();
    for event in events {
        if first.len() == most {
            break;
        }
        if !first.contains(&event) {
            first.push(event);
        }
    }
    first
}
