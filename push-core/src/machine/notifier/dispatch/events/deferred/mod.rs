//! Events that wait at their adapter for push services (docs/protocol.md §3.4): when each is to be told again, and when it ends.

mod entry;
mod index;
#[cfg(test)]
mod tests;

use crate::Timestamp;
use crate::hash::{Seeded, SeededMap};
use crate::ids::{EventHold, HostId, ServiceKey, Slot};
use crate::machine::deadlines::Deadlines;
use crate::machine::values::{Deferral, Parked, Retry, TakenOff};
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
    /// Push services for which one less is on its way.
    freed: Vec<(HostId, ServiceKey)>,
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
            freed: Vec::new(),
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
            is_of_epoch && entry.asked_for().is_none() && entry.is_like(parked)
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

    /// If too many events wait for a push service, takes its deliveries off the oldest of them.
    pub(super) fn drop_one(&mut self, host: HostId, service: ServiceKey) -> Option<TakenOff> {
        let bound = self.bounds.get(&host).map_or(u64::MAX, |bound| bound / 2);
        if self.index.count(service) as u64 <= bound {
            return None;
        }
        let event = self.index.oldest(service)?;
        self.take_off(event, |parked| parked.service == service)
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
            let deadline = self.overdue.set(now.after(PATIENCE), *event);
            self.change(*event, |entry| entry.ask(service, deadline));
            *self.asked.entry(service).or_default() += 1;
        }
        self.index.set_wake(service);
        events
    }

    /// Takes an event that its adapter tells again.
    pub(super) fn take(&mut self, now: Timestamp, event: EventHold) -> Option<Retry> {
        let entry = self.remove(event)?;
        if let Some((_, deadline)) = entry.asked_for() {
            self.overdue.cancel(deadline);
        }
        Some(entry.into_retry(now, event.host))
    }

    /// An event that was asked for on behalf of this push service is decided on, or over: another one may be asked for.
    pub(super) fn arrived(&mut self, host: HostId, service: ServiceKey) {
        self.freed.push((host, service));
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
        self.ask_no_more(event);
        let entry = self.remove(event);
        entry.map(Entry::into_parked).unwrap_or_default()
    }

    /// Lets the events of a user be told again at once that have waited for the end of another delivery of theirs. Returns the push
    /// services that they wait for.
    pub(super) fn let_follow(&mut self, now: Timestamp, owner: u64) -> BTreeSet<ServiceKey> {
        let events: Vec<EventHold> = self.index.behind(owner).collect();
        let mut services = BTreeSet::new();
        for event in events {
            self.change(event, |entry| {
                services.extend(entry.services());
                entry.hasten(now, |parked| parked.attempts.is_behind);
            });
        }
        services
    }

    /// Lets all events of a push service be told again at once: it is well again.
    pub(super) fn let_all_follow(&mut self, now: Timestamp, service: ServiceKey) {
        let events: Vec<EventHold> = self.index.due(service, Timestamp::MAX).collect();
        for event in events {
            self.change(event, |entry| {
                entry.hasten(now, |parked| parked.service == service);
            });
        }
    }

    /// Takes registrations off the events of a user.
    pub(super) fn withdraw(
        &mut self,
        owner: u64,
        is_meant: impl Fn(&Registration) -> bool,
    ) -> Vec<TakenOff> {
        let events: Vec<EventHold> = self.index.of_owner(owner).collect();
        let is_meant = |parked: &Parked| is_meant(&parked.registration);
        let taken = events.into_iter();
        let taken = taken.filter_map(|event| self.take_off(event, is_meant));
        taken.collect()
    }

    /// Takes deliveries off an event, which is over if that leaves none.
    fn take_off(
        &mut self,
        event: EventHold,
        is_meant: impl Fn(&Parked) -> bool,
    ) -> Option<TakenOff> {
        let parked = self.change(event, |entry| entry.take_off(is_meant))?;
        let is_over = self.entries[&event].parked().is_empty();
        if is_over {
            self.end(event);
        }
        Some(TakenOff {
            event,
            parked,
            is_over,
        })
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
        Some(self.end(event))
    }

    /// Ends an event that is not worth telling any more.
    pub(super) fn expire(&mut self, now: Timestamp) -> Option<TakenOff> {
        let event = self.index.expired(now)?;
        Some(TakenOff {
            event,
            parked: self.end(event),
            is_over: true,
        })
    }

    /// Returns a push service of which events may be told again, or be asked for, from now on.
    pub(super) fn wake(&mut self, now: Timestamp) -> Option<(HostId, ServiceKey)> {
        self.freed.pop().or_else(|| self.index.wake(now))
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
        if let Some((service, deadline)) = self.change(event, Entry::ask_no_more).flatten() {
            self.overdue.cancel(deadline);
            self.arrived(event.host, service);
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
