//! From a decision to its end: deliveries, what each event still waits for, and which events wait at their adapters. This file
//! joins the three.

mod deferred;
mod deliveries;
mod holds;

use super::reports;
use crate::delivery::{DeliveryOutcome, Route};
use crate::hash::Seeded;
use crate::ids::{DeliveryId, EventHold, HostId, ServiceKey};
use crate::link::RecipientId;
use crate::machine::values::{
    AfterAttempt, Attempts, Effect, Finished, Found, HealthChange, MessageKey, Parked, Queued,
    Retry, RouteEvent,
};
use crate::registration::{Identity, Registration, Target};
use crate::report::{DeferredEnd, PublishEnd, Report};
use crate::settings::IdentityChoice;
use crate::store::{Change, Committed};
use crate::{Policy, Timestamp};
use deferred::Deferred;
use deliveries::{Deliveries, Next};
use holds::{Holds, Released};
use jid::BareJid;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Deliveries and the events behind them.
#[derive(Debug)]
pub(super) struct Dispatch {
    deliveries: Deliveries,
    holds: Holds,
    deferred: Deferred,
    steps: VecDeque<Step>,
    hash: Seeded,
}

/// What follows, in order.
#[derive(Debug)]
pub(super) enum Step {
    Effect(Effect),
    /// This registration was not told of these messages after all.
    Untold(Vec<MessageKey>, Arc<Registration>),
    /// This delivery was given up before it was sent.
    GivenUp(Box<Queued>),
    /// Something was found out about a registration of this user.
    Found(BareJid, Found),
}

impl Dispatch {
    pub(super) fn new(hash: Seeded, choice: IdentityChoice) -> Self {
        Self {
            deliveries: Deliveries::new(hash, choice),
            holds: Holds::new(hash),
            deferred: Deferred::new(hash),
            steps: VecDeque::new(),
            hash,
        }
    }

    /// Begins to hold an event, which waits for its decision.
    pub(super) fn open(&mut self, event: EventHold) {
        self.holds.open(event);
    }

    /// Takes an event that was deferred and is told again: as `was`, if that is known, and for these recipients.
    pub(super) fn resumed(
        &mut self,
        was: Option<EventHold>,
        recipients: Vec<RecipientId>,
    ) -> Option<Retry> {
        let known = was.and_then(|was| self.deferred.take(was));
        if recipients.is_empty() {
            return known;
        }
        let mut retry = known.unwrap_or_default();
        let before = retry.recipients.take().unwrap_or_default();
        let attempts = |id: &RecipientId| before.iter().find(|(of, _)| of == id);
        let recipients = recipients.into_iter().map(|id| {
            let attempts = attempts(&id).map(|(_, attempts)| *attempts);
            (id, attempts.unwrap_or_default())
        });
        retry.recipients = Some(recipients.collect());
        Some(retry)
    }

    /// Repeats the deferral of an event whose adapter has not heard of it. Returns false if nothing is known of it.
    pub(super) fn defer_again(&mut self, event: EventHold) -> bool {
        let again = self.deferred.again(event);
        let is_known = again.is_some();
        let effect = again.map(Effect::Defer);
        self.steps.extend(effect.map(Step::Effect));
        is_known
    }

    /// It is decided what becomes of an event that was told again.
    pub(super) fn decided(&mut self, retry: &Retry) {
        for (host, service) in &retry.asked_for {
            self.deferred.arrived(*service);
            self.deliveries.offer(*host, *service);
        }
    }

    /// One thing less to wait for: what waits for nothing more is acknowledged or deferred.
    pub(super) fn release(&mut self, events: &[EventHold]) {
        let mut done = Vec::new();
        for released in self.holds.release(events) {
            match released {
                Released::Done(event) => done.push(event),
                Released::Deferred(event, parked) => self.defer(event, parked),
            }
        }
        if !done.is_empty() {
            self.effect(Effect::Acknowledge(done));
        }
    }

    fn defer(&mut self, event: EventHold, parked: Vec<Parked>) {
        let services: Vec<ServiceKey> = parked.iter().map(|parked| parked.service).collect();
        let deferral = self.deferred.insert(event, parked);
        self.effect(Effect::Defer(deferral));
        for service in services {
            self.deliveries.offer(event.host, service);
            while let Some((event, parked)) = self.deferred.drop_one(event.host, service) {
                self.end_deferred(event, &parked, DeferredEnd::Dropped);
            }
        }
    }

    fn end_deferred(&mut self, event: EventHold, parked: &[Parked], end: DeferredEnd) {
        for parked in parked {
            let report = reports::deferred_end(&parked.registration, end);
            self.report(report);
        }
        self.effect(Effect::Acknowledge(vec![event]));
    }

    /// Returns whether there are events and the users of all of them are back.
    pub(super) fn all_withdrawn(&self, events: &[EventHold]) -> bool {
        self.holds.all_withdrawn(events, &[])
    }

    /// Lets `events` wait for the deliveries that carry these messages to a registration already.
    pub(super) fn join(
        &mut self,
        owner: &BareJid,
        target: &Target,
        keys: &[MessageKey],
        events: &[EventHold],
    ) {
        let joined = self.deliveries.join(owner, target, keys, events);
        (0..joined).for_each(|_| self.holds.add(events));
    }

    /// Takes a new delivery; `is_retry` if its event was deferred before.
    pub(super) fn deliver(
        &mut self,
        now: Timestamp,
        queued: Queued,
        is_retry: bool,
        policy: &Policy,
    ) {
        self.holds.add(&queued.holds);
        if self.deliveries.can_defer(&queued) {
            let slot = self.deliveries.slot(&queued);
            let is_early = queued.attempts.not_before > now;
            if is_early || !is_retry && self.deferred.has(slot) {
                // It is told at once with those that wait already.
                let attempts = queued.attempts.not_before(now, false);
                return self.park(now, queued, attempts);
            }
        }
        let trace = queued.delivery.trace;
        let registration = queued.delivery.registration.clone();
        if let Some((into, forgotten)) = self.deliveries.push(now, queued, policy) {
            self.untold(forgotten, registration);
            self.report(Report::Joined { trace, into });
        }
    }

    /// Lets a delivery wait at its adapter.
    fn park(&mut self, now: Timestamp, queued: Queued, attempts: Attempts) {
        if self.holds.all_withdrawn(&queued.holds, &queued.echoes) {
            return self.give_up(now, queued, PublishEnd::Withdrawn);
        }
        let parked = Parked {
            service: self.deliveries.service(&queued),
            slot: self.deliveries.slot(&queued),
            registration: queued.delivery.registration.clone(),
            keys: queued.keys.clone(),
            attempts,
            expires_at: queued.delivery.expires_at,
        };
        self.holds.park(&queued.holds, &queued.echoes, &parked);
        self.report(reports::deferred(&queued, attempts.not_before));
        self.release(&queued.holds);
        self.release(&queued.echoes);
    }

    /// Adapters have ended these events: `in_work` here, and deferred ones. Their users are back, or a bound was reached.
    pub(super) fn withdrawn(&mut self, in_work: Vec<EventHold>, deferred: Vec<EventHold>) {
        in_work
            .into_iter()
            .for_each(|event| self.holds.withdraw(event));
        for event in deferred {
            for parked in self.deferred.end(event) {
                self.untold(parked.keys, parked.registration);
            }
        }
    }

    /// An account is gone: nothing of it is delivered any more.
    pub(super) fn forget_user(&mut self, now: Timestamp, owner: &BareJid) {
        for queued in self.deliveries.withdraw(owner, |_| true) {
            self.give_up(now, queued, PublishEnd::Withdrawn);
        }
        self.withdraw_deferred(owner, |_| true);
    }

    /// Follows changes of an account.
    pub(super) fn follow(
        &mut self,
        now: Timestamp,
        owner: &BareJid,
        changes: &[Change],
        done: &[Committed],
    ) {
        for queued in self.deliveries.follow(owner, changes, done) {
            self.give_up(now, queued, PublishEnd::Withdrawn);
        }
        for change in changes {
            self.withdraw_deferred(owner, |have| deliveries::removes(change, have));
        }
    }

    fn withdraw_deferred(&mut self, owner: &BareJid, is_meant: impl Fn(&Registration) -> bool) {
        let owner = self.hash.hash(owner);
        for (event, parked) in self.deferred.withdraw(owner, is_meant) {
            for parked in parked {
                self.untold(parked.keys, parked.registration);
            }
            self.effect(Effect::Acknowledge(vec![event]));
        }
    }

    /// An attempt at a delivery has ended.
    pub(super) fn outcome(
        &mut self,
        now: Timestamp,
        id: DeliveryId,
        outcome: DeliveryOutcome,
        policy: &Policy,
    ) {
        if let Some(finished) = self.deliveries.finish(now, id, outcome, policy) {
            self.finished(now, finished, policy);
        }
    }

    /// Returns who an attempt goes to, in whose name, by which route.
    pub(super) fn of(&self, id: DeliveryId) -> Option<(&BareJid, &BareJid, Route)> {
        self.deliveries.of(id)
    }

    fn finished(&mut self, now: Timestamp, finished: Finished, policy: &Policy) {
        self.report(reports::finished(now, &finished));
        let was_sent = finished.was_sent();
        let mut queued = finished.queued;
        if let Some(finding) = finished.finding {
            let found = Found::new(now, &queued.delivery, finding);
            let owner = queued.delivery.owner.clone();
            self.steps.push_back(Step::Found(owner, found));
        }
        self.health(now, &queued, finished.service, finished.health);
        self.deferred
            .release(finished.slot.owner, finished.service, now);
        match finished.next {
            AfterAttempt::Over => {
                if !was_sent {
                    let registration = queued.delivery.registration.clone();
                    self.untold(queued.keys.clone(), registration);
                }
                self.release(&queued.holds);
                self.release(&queued.echoes);
            }
            AfterAttempt::Again => self.put_back(now, queued, policy),
            AfterAttempt::NoRoom => {
                queued.attempts.not_before = now.after(deliveries::NO_ROOM_PAUSE);
                self.put_back(now, queued, policy);
            }
            AfterAttempt::Retry => self.retry(now, queued, policy),
        }
    }

    /// A push service fares otherwise than before.
    fn health(
        &mut self,
        now: Timestamp,
        queued: &Queued,
        service: ServiceKey,
        change: Option<HealthChange>,
    ) {
        let Some(change) = change else { return };
        if let HealthChange::Better { .. } = change {
            self.deferred.release_all(service, now);
        }
        self.steps.extend(
            reports::health(queued, change).map(|report| Step::Effect(Effect::Report(report))),
        );
    }

    fn put_back(&mut self, now: Timestamp, queued: Queued, policy: &Policy) {
        let registration = queued.delivery.registration.clone();
        let forgotten = self.deliveries.put_back(now, queued, policy);
        self.untold(forgotten, registration);
    }

    /// An attempt has failed in a way that passes: the next one is made after a pause.
    fn retry(&mut self, now: Timestamp, mut queued: Queued, policy: &Policy) {
        let attempts = &mut queued.attempts;
        attempts.failed += 1;
        let pause = self.pause(&queued, policy);
        let attempts = Attempts {
            not_before: now.after(pause),
            is_behind: false,
            ..queued.attempts
        };
        let expires_at = queued.delivery.expires_at;
        if expires_at.is_some_and(|at| at <= attempts.not_before) {
            self.give_up(now, queued, PublishEnd::Expired);
        } else if self.deliveries.can_defer(&queued) {
            self.park(now, queued, attempts);
        } else {
            queued.attempts = attempts;
            self.put_back(now, queued, policy);
        }
    }

    /// Returns the pause before the next attempt: up to a quarter longer than the policy says, so that not all are made at once.
    fn pause(&self, queued: &Queued, policy: &Policy) -> Duration {
        let failed = queued.attempts.failed;
        let doubled = policy.retry_pause.saturating_mul(1 << (failed - 1).min(16));
        let pause = doubled.min(policy.retry_max_pause);
        let random = self.hash.hash(&(&queued.delivery.owner, failed)) % 256;
        pause + pause * u32::try_from(random).unwrap_or_default() / 1024
    }

    /// A delivery is given up before it was accepted.
    fn give_up(&mut self, now: Timestamp, queued: Queued, end: PublishEnd) {
        self.report(reports::unsent(now, &queued, end));
        let events = [queued.holds.clone(), queued.echoes.clone()].concat();
        self.steps.push_back(Step::GivenUp(Box::new(queued)));
        self.release(&events);
    }

    /// Routes open or close.
    pub(super) fn route(&mut self, now: Timestamp, event: RouteEvent<'_>, policy: &Policy) {
        let attached = match event {
            RouteEvent::Attached(attached) => Some(attached),
            RouteEvent::Detached(host) => {
                self.deferred.detach(host);
                None
            }
            _ => None,
        };
        let effects = self.deliveries.route(now, event, policy);
        self.steps.extend(effects.into_iter().map(Step::Effect));
        if let Some(attached) = attached {
            let host = attached.host;
            self.forget_deferred(host, Some(attached.generation));
            self.deferred.set_bound(host, attached.deferred);
            for service in self.deferred.services(host) {
                self.deliveries.offer(host, service);
            }
        }
    }

    pub(super) fn tick(&mut self, now: Timestamp, policy: &Policy) {
        while let Some(finished) = self.deliveries.tick(now, policy) {
            self.finished(now, finished, policy);
        }
        while let Some((queued, attempts)) = self.deliveries.impatient(now, policy) {
            self.park(now, queued, attempts);
        }
        while let Some((host, service)) = self.deferred.wake(now) {
            self.deliveries.offer(host, service);
        }
        while let Some((event, parked)) = self.deferred.tick(now) {
            self.end_deferred(event, &parked, DeferredEnd::Expired);
        }
    }

    /// Goes on with what can be gone on with, and returns what follows.
    pub(super) fn next(&mut self, now: Timestamp, policy: &Policy) -> Option<Step> {
        while self.steps.is_empty() {
            match self.deliveries.next(now, policy)? {
                Next::Turn(turn) => {
                    let (holds, echoes) = turn.events();
                    let is_withdrawn = self.holds.all_withdrawn(holds, echoes);
                    if let Some(end) = turn.why_not(now, is_withdrawn) {
                        let queued = self.deliveries.discard(*turn);
                        self.give_up(now, queued, end);
                    } else {
                        let sending = self.deliveries.start(now, *turn, policy);
                        self.effect(Effect::Send(sending));
                    }
                }
                Next::Park(queued, attempts) => self.park(now, queued, attempts),
                Next::Fetch(host, service, room) => self.fetch(now, host, service, room, policy),
            }
        }
        self.steps.pop_front()
    }

    /// A push service has room for so many deliveries: events that wait for it are told again.
    fn fetch(
        &mut self,
        now: Timestamp,
        host: HostId,
        service: ServiceKey,
        room: usize,
        policy: &Policy,
    ) {
        let events = if self.deliveries.is_attached(host) {
            self.deferred.resume(now, service, room)
        } else {
            Vec::new()
        };
        if events.is_empty() {
            return self.deliveries.pass(policy);
        }
        let numbers = events.into_iter().map(|event| event.number);
        self.effect(Effect::Resume(host, numbers.collect()));
    }

    /// Nothing of a host that is no longer served is waited for; its adapter would tell it again.
    pub(super) fn remove_host(&mut self, now: Timestamp, host: HostId, policy: &Policy) {
        for queued in self.deliveries.remove_host(now, host, policy) {
            self.forget(&queued.holds);
            self.forget(&queued.echoes);
            self.give_up(now, queued, PublishEnd::Withdrawn);
        }
        self.forget_deferred(host, None);
    }

    fn forget_deferred(&mut self, host: HostId, generation: Option<u32>) {
        for parked in self.deferred.forget(host, generation) {
            self.untold(parked.keys, parked.registration);
        }
    }

    /// Drops what the adapters will tell again after a restart.
    pub(super) fn abandon(&mut self) {
        for queued in self.deliveries.abandon() {
            self.forget(&queued.holds);
            self.forget(&queued.echoes);
        }
        self.deferred = Deferred::new(self.hash);
    }

    /// Drops `events`: they are never acknowledged, so that their adapter tells them again.
    pub(super) fn forget(&mut self, events: &[EventHold]) {
        self.holds.forget(events);
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        let (deliveries, deferred) = (
            self.deliveries.next_deadline(),
            self.deferred.next_deadline(),
        );
        deliveries.into_iter().chain(deferred).min()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.deliveries.is_empty() && self.holds.is_empty()
    }

    pub(super) fn waiting(&self) -> usize {
        self.deliveries.waiting()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.deliveries.in_flight()
    }

    /// Returns how many events wait at their adapters.
    pub(super) fn deferred(&self) -> usize {
        self.deferred.len()
    }

    /// Returns the best identity a host has offered.
    pub(super) fn offered(&self, host: HostId) -> Option<Identity> {
        self.deliveries.offered(host)
    }

    /// Returns who publishes for users of this host are from.
    pub(super) fn identity(&self, host: HostId) -> Identity {
        self.deliveries.identity(host)
    }

    fn untold(&mut self, keys: Vec<MessageKey>, registration: Arc<Registration>) {
        if !keys.is_empty() {
            self.steps.push_back(Step::Untold(keys, registration));
        }
    }

    fn effect(&mut self, effect: Effect) {
        self.steps.push_back(Step::Effect(effect));
    }

    fn report(&mut self, report: Report) {
        self.effect(Effect::Report(report));
    }
}
