//! The events behind the deliveries: what each still waits for here, and which wait at their adapters. This file joins the two.

mod deferred;
mod holds;

use crate::Timestamp;
use crate::hash::Seeded;
use crate::ids::{EventHold, HostId, ServiceKey, Slot};
use crate::link::RecipientId;
use crate::machine::values::{AttachedRoute, Deferral, Parked, Queued, Retry, TakenOff, Withdrawn};
use crate::registration::Registration;
use deferred::Deferred;
use holds::{Holds, Released};
use std::collections::BTreeSet;

/// Every event that is not over.
#[derive(Debug)]
pub(super) struct Events {
    holds: Holds,
    deferred: Deferred,
    hash: Seeded,
}

/// The fate of an event.
#[derive(Debug)]
pub(super) enum Settled {
    /// Nothing is left to do for it.
    Done(EventHold),
    /// It waits at its adapter for these push services.
    Deferred(Deferral, BTreeSet<ServiceKey>),
    /// Too many wait for a push service, and this one is the oldest.
    Dropped(TakenOff),
}

impl Events {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            holds: Holds::new(hash),
            deferred: Deferred::new(hash),
            hash,
        }
    }

    /// Begins to hold an event, which waits for its decision.
    pub(super) fn open(&mut self, event: EventHold) {
        self.holds.open(event);
    }

    /// Makes each of `events` wait for one more thing.
    pub(super) fn add(&mut self, events: &[EventHold]) {
        self.holds.add(events);
    }

    /// Takes one thing off each of `events`. Returns what becomes of those that wait for nothing here any more. A delivery waits for the
    /// end of another one only while it `is_behind` one.
    pub(super) fn release(
        &mut self,
        now: Timestamp,
        events: &[EventHold],
        is_behind: impl Fn(Slot, ServiceKey) -> bool,
    ) -> Vec<Settled> {
        let mut settled = Vec::new();
        for released in self.holds.release(events) {
            match released {
                Released::Done(event) => settled.push(Settled::Done(event)),
                Released::Deferred(event, mut parked) => {
                    let behind = parked.iter_mut().filter(|of| of.attempts.is_behind);
                    let free = behind.filter(|of| !is_behind(of.slot, of.service));
                    free.for_each(|of| of.attempts.hasten(now));
                    self.defer(event, parked, &mut settled);
                }
            }
        }
        settled
    }

    fn defer(&mut self, event: EventHold, parked: Vec<Parked>, settled: &mut Vec<Settled>) {
        let services: BTreeSet<ServiceKey> = parked.iter().map(|parked| parked.service).collect();
        let deferral = self.deferred.insert(event, parked);
        settled.push(Settled::Deferred(deferral, services.clone()));
        for service in services {
            while let Some(dropped) = self.deferred.drop_one(event.host, service) {
                settled.push(Settled::Dropped(dropped));
            }
        }
    }

    /// Notes that a delivery waits for its push service elsewhere. Returns false if none of the events behind it is to be told again.
    pub(super) fn park(&mut self, queued: &Queued, parked: &Parked) -> bool {
        self.holds.park(&queued.holds, &queued.echoes, parked)
    }

    /// Drops `events`: they are never acknowledged, so that their adapter tells them again.
    pub(super) fn drop_all(&mut self, events: &[EventHold]) {
        self.holds.forget(events);
    }

    /// Adapters have ended these events. Returns for whom the deferred ones of them were.
    pub(super) fn withdraw(&mut self, withdrawn: Withdrawn) -> Vec<Parked> {
        for event in withdrawn.in_work {
            self.holds.withdraw(event);
        }
        let deferred = withdrawn.deferred.into_iter();
        deferred
            .flat_map(|event| self.deferred.end(event))
            .collect()
    }

    /// Returns whether there are events and the users of all of them are back.
    pub(super) fn all_withdrawn(&self, events: &[EventHold], echoes: &[EventHold]) -> bool {
        self.holds.all_withdrawn(events, echoes)
    }

    /// Takes registrations off the deferred events of a user.
    pub(super) fn take_off(
        &mut self,
        owner: u64,
        is_meant: impl Fn(&Registration) -> bool,
    ) -> Vec<TakenOff> {
        self.deferred.withdraw(owner, is_meant)
    }

    /// Takes an event that was deferred and is told again: as `was`, if that is known, and for these recipients.
    pub(super) fn resumed(
        &mut self,
        now: Timestamp,
        was: Option<EventHold>,
        recipients: Vec<RecipientId>,
    ) -> Option<Retry> {
        let known = was.and_then(|was| self.deferred.take(now, was));
        if recipients.is_empty() {
            return known;
        }
        Some(known.unwrap_or_default().only_for(recipients))
    }

    /// Returns the deferral of an event whose adapter has not heard of it, if it is known.
    pub(super) fn defer_again(&mut self, event: EventHold) -> Option<Deferral> {
        self.deferred.again(event)
    }

    /// It is decided what becomes of an event that was asked for on behalf of a push service.
    pub(super) fn decided(&mut self, host: HostId, service: ServiceKey) {
        self.deferred.arrived(host, service);
    }

    /// Returns whether an event waits for a delivery to this registration at its adapter.
    pub(super) fn is_awaited(&self, slot: Slot) -> bool {
        self.deferred.has(slot)
    }

    /// Returns the numbers of up to `room` events that may be told to a push service again. Their adapter is asked for them.
    pub(super) fn fetch(&mut self, now: Timestamp, service: ServiceKey, room: usize) -> Vec<u64> {
        let events = self.deferred.resume(now, service, room).into_iter();
        events.map(|event| event.number).collect()
    }

    /// Lets those of a user be told again that have waited for the end of another delivery of theirs. Returns the push services that
    /// they wait for.
    pub(super) fn let_follow(&mut self, now: Timestamp, owner: u64) -> BTreeSet<ServiceKey> {
        self.deferred.let_follow(now, owner)
    }

    /// Lets all be told again that wait for this push service.
    pub(super) fn let_all_follow(&mut self, now: Timestamp, service: ServiceKey) {
        self.holds.hasten(now, service);
        self.deferred.let_all_follow(now, service);
    }

    /// An adapter is attached. Returns for whom events of its earlier epochs were or would have been deferred, and the push services
    /// that the others wait for.
    pub(super) fn attach(
        &mut self,
        attached: AttachedRoute,
    ) -> (Vec<Parked>, BTreeSet<ServiceKey>) {
        let host = attached.host;
        let mut forgotten = self.holds.enter(host, attached.generation);
        forgotten.extend(self.deferred.forget(host, Some(attached.generation)));
        self.deferred.set_bound(host, attached.deferred);
        (forgotten, self.deferred.services(host))
    }

    /// The adapter of a host is away.
    pub(super) fn detach(&mut self, host: HostId) {
        self.deferred.detach(host);
    }

    /// Forgets the deferred events of a host. Returns for whom they were.
    pub(super) fn remove_host(&mut self, host: HostId) -> Vec<Parked> {
        self.deferred.forget(host, None)
    }

    /// Forgets the deferred events: their adapters tell them to the next service.
    pub(super) fn abandon(&mut self) {
        self.deferred = Deferred::new(self.hash);
    }

    /// Ends a deferred event that is not worth telling any more.
    pub(super) fn expire(&mut self, now: Timestamp) -> Option<TakenOff> {
        self.deferred.expire(now)
    }

    /// Forgets a deferred event that its adapter was asked for in vain. Returns for whom it was.
    pub(super) fn give_up(&mut self, now: Timestamp) -> Option<Vec<Parked>> {
        self.deferred.give_up(now)
    }

    /// Returns a push service for which deferred events are due, or may be asked for.
    pub(super) fn wake(&mut self, now: Timestamp) -> Option<(HostId, ServiceKey)> {
        self.deferred.wake(now)
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.deferred.next_deadline()
    }

    /// Returns whether nothing waits here.
    pub(super) fn is_empty(&self) -> bool {
        self.holds.is_empty()
    }

    /// Returns how many wait at their adapters.
    pub(super) fn deferred(&self) -> usize {
        self.deferred.len()
    }
}

#[cfg(test)]
mod tests;
