//! From a decision to its end: deliveries, and the events behind them. This file joins the two.

mod deliveries;
mod events;
mod retries;
mod steps;

pub(super) use steps::Step;

use super::reports;
use crate::action::Load;
use crate::delivery::{DeliveryOutcome, Route};
use crate::hash::Seeded;
use crate::ids::{DeliveryId, EventHold, HostId, ServiceKey};
use crate::link::RecipientId;
use crate::machine::values::{
    AfterAttempt, Attempts, Effect, Finished, Found, HealthChange, Pending, Queued, Retry,
    RouteEvent, Withdrawn,
};
use crate::registration::{Identity, Registration, Target};
use crate::report::{DeferredEnd, PublishEnd, Report};
use crate::settings::IdentityChoice;
use crate::store::{Change, Committed};
use crate::{Policy, Timestamp};
use deliveries::{Deliveries, Next};
use events::Events;
use jid::BareJid;
use steps::Steps;

/// Deliveries and the events behind them.
#[derive(Debug)]
pub(super) struct Dispatch {
    deliveries: Deliveries,
    events: Events,
    steps: Steps,
    hash: Seeded,
}

impl Dispatch {
    pub(super) fn new(hash: Seeded, choice: IdentityChoice) -> Self {
        Self {
            deliveries: Deliveries::new(hash, choice),
            events: Events::new(hash),
            steps: Steps::default(),
            hash,
        }
    }

    /// Begins to hold an event, which waits for its decision.
    pub(super) fn open(&mut self, event: EventHold) {
        self.events.open(event);
    }

    /// Takes an event that was deferred and is told again: as `was`, if that is known, and for these recipients.
    pub(super) fn resumed(
        &mut self,
        now: Timestamp,
        was: Option<EventHold>,
        recipients: Vec<RecipientId>,
    ) -> Option<Retry> {
        self.events.resumed(now, was, recipients)
    }

    /// Repeats the deferral of an event whose adapter has not heard of it. Returns false if nothing is known of it.
    pub(super) fn defer_again(&mut self, event: EventHold) -> bool {
        let again = self.events.defer_again(event).map(Effect::Defer);
        again.map(|again| self.steps.effect(again)).is_some()
    }

    /// It is decided what becomes of an event that was told again.
    pub(super) fn decided(&mut self, retry: &Retry) {
        for (host, service) in &retry.asked_for {
            self.events.decided(*host, *service);
        }
    }

    /// One thing less to wait for: what waits for nothing more is acknowledged or deferred.
    pub(super) fn release(&mut self, now: Timestamp, events: &[EventHold]) {
        let is_behind = |slot, service| self.deliveries.is_behind(slot, service);
        let settled = self.events.release(now, events, is_behind);
        for (host, service) in self.steps.settle(settled) {
            self.deliveries.offer(host, service);
        }
    }

    /// Returns whether there are events and their users are back.
    pub(super) fn all_withdrawn(&self, events: &[EventHold]) -> bool {
        self.events.all_withdrawn(events, &[])
    }

    /// Lets the events of `pending` wait for the deliveries that carry its messages to a registration already.
    pub(super) fn join(&mut self, owner: &BareJid, target: &Target, pending: &Pending) {
        let joined = self.deliveries.join(owner, target, pending);
        (0..joined).for_each(|_| self.events.add(&pending.holds));
    }

    /// Takes a new delivery; `is_retry` if its event was deferred before.
    pub(super) fn deliver(
        &mut self,
        now: Timestamp,
        queued: Queued,
        is_retry: bool,
        policy: &Policy,
    ) {
        self.events.add(&queued.holds);
        if self.deliveries.can_defer(&queued) {
            if queued.attempts.not_before > now {
                let attempts = queued.attempts;
                return self.park(now, queued, attempts);
            }
            let is_late = is_retry && !self.deliveries.has_room(now, &queued, policy);
            if is_late || !is_retry && self.events.is_awaited(queued.slot(self.hash)) {
                // It is told with those that wait already, and takes up no window until then.
                let attempts = queued.attempts.not_before(now, false);
                return self.park(now, queued, attempts);
            }
        }
        let trace = queued.delivery.trace;
        let registration = queued.delivery.registration.clone();
        if let Some((into, forgotten)) = self.deliveries.push(now, queued, policy) {
            self.steps.untold(forgotten, registration);
            self.steps.report(Report::Joined { trace, into });
        }
    }

    /// Lets a delivery wait at its adapter.
    fn park(&mut self, now: Timestamp, queued: Queued, attempts: Attempts) {
        let parked = queued.parked(self.hash, attempts);
        if !self.events.park(&queued, &parked) {
            return self.give_up(now, queued, PublishEnd::Withdrawn);
        }
        self.steps
            .report(reports::deferred(&queued, attempts.not_before));
        self.steps
            .push(Step::Deferred(parked.keys, parked.registration));
        self.release(now, &queued.holds);
        self.release(now, &queued.echoes);
    }

    /// Adapters have ended these events: their users are back, or a bound was reached.
    pub(super) fn withdrawn(&mut self, withdrawn: Withdrawn) {
        let ended = self.events.withdraw(withdrawn);
        self.steps.all_untold(ended);
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
        for taken in self.events.take_off(owner, is_meant) {
            self.steps.all_untold(taken.parked);
            let over = taken.is_over.then(|| vec![taken.event]);
            self.steps.effects(over.map(Effect::Acknowledge));
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
        self.steps.report(reports::finished(now, &finished));
        let (was_sent, place, health) = (finished.was_sent(), finished.place, finished.health);
        let changed = health.and_then(|change| reports::health(&finished.queued, change));
        self.steps.effects(changed.map(Effect::Report));
        let mut queued = finished.queued;
        let host = queued.host;
        if let Some(finding) = finished.finding {
            let found = Found::new(now, &queued.delivery, finding);
            let owner = queued.delivery.owner.clone();
            self.steps.push(Step::Found(owner, found));
        }
        match finished.next {
            AfterAttempt::Over => {
                if !was_sent {
                    let registration = queued.delivery.registration.clone();
                    self.steps.untold(queued.keys.clone(), registration);
                }
                self.release(now, &queued.holds);
                self.release(now, &queued.echoes);
            }
            AfterAttempt::Again => self.put_back(now, queued, policy),
            AfterAttempt::NoRoom => {
                queued.attempts.not_before = now.after(deliveries::NO_ROOM_PAUSE);
                self.put_back(now, queued, policy);
            }
            AfterAttempt::Retry => self.retry(now, queued, policy),
        }
        if let Some(HealthChange::Better { .. }) = health {
            self.events.let_all_follow(now, place.service);
            self.deliveries.hasten(now, place.service);
        }
        for service in self.events.let_follow(now, place.slot.owner) {
            self.deliveries.offer(host, service);
        }
    }

    fn put_back(&mut self, now: Timestamp, queued: Queued, policy: &Policy) {
        let registration = queued.delivery.registration.clone();
        let forgotten = self.deliveries.put_back(now, queued, policy);
        self.steps.untold(forgotten, registration);
    }

    /// An attempt has failed in a way that passes: the next one is made after a pause.
    fn retry(&mut self, now: Timestamp, mut queued: Queued, policy: &Policy) {
        let attempts = retries::next(now, &queued, self.hash, policy);
        if queued.delivery.expires_at <= now {
            self.give_up(now, queued, PublishEnd::Expired);
        } else if self.deliveries.can_defer(&queued) {
            self.park(now, queued, attempts);
        } else {
            queued.attempts = attempts;
            self.put_back(now, queued, policy);
            while let Some(excess) = self.deliveries.take_excess(policy) {
                self.give_up(now, excess, PublishEnd::Dropped);
            }
        }
    }

    /// A delivery is given up before it was accepted.
    fn give_up(&mut self, now: Timestamp, queued: Queued, end: PublishEnd) {
        self.steps.report(reports::unsent(now, &queued, end));
        let events = [queued.holds.clone(), queued.echoes.clone()].concat();
        self.steps.push(Step::GivenUp(Box::new(queued)));
        self.release(now, &events);
    }

    /// Routes open or close.
    pub(super) fn route(&mut self, now: Timestamp, event: RouteEvent<'_>, policy: &Policy) {
        if let RouteEvent::Detached(host) = event {
            self.events.detach(host);
        }
        let effects = self.deliveries.route(now, event, policy);
        self.steps.effects(effects);
        if let RouteEvent::Attached(attached) = event {
            let host = attached.host;
            let (forgotten, services) = self.events.attach(attached);
            self.steps.all_untold(forgotten);
            for service in services {
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
        while let Some(forgotten) = self.events.give_up(now) {
            self.steps.all_untold(forgotten);
        }
        while let Some((host, service)) = self.events.wake(now) {
            self.deliveries.offer(host, service);
        }
        while let Some(expired) = self.events.expire(now) {
            self.steps.end_deferred(&expired, DeferredEnd::Expired);
        }
    }

    /// Goes on with what can be gone on with, and returns what follows.
    pub(super) fn next(&mut self, now: Timestamp, policy: &Policy) -> Option<Step> {
        while self.steps.is_empty() {
            match self.deliveries.next(now, policy)? {
                Next::Turn(turn) => {
                    let (holds, echoes) = turn.events();
                    let is_withdrawn = self.events.all_withdrawn(holds, echoes);
                    if let Some(end) = turn.why_not(now, is_withdrawn) {
                        let queued = self.deliveries.discard(*turn);
                        self.give_up(now, queued, end);
                    } else {
                        let sending = self.deliveries.start(now, *turn, policy);
                        self.steps.effect(Effect::Send(sending));
                    }
                }
                Next::Park(queued, attempts) => self.park(now, queued, attempts),
                Next::Fetch(host, service, room) => self.fetch(now, host, service, room, policy),
            }
        }
        self.steps.pop()
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
        let mut numbers = Vec::new();
        if self.deliveries.is_attached(host) {
            numbers = self.events.fetch(now, service, room);
        }
        if numbers.is_empty() {
            self.deliveries.pass(now, policy);
        } else {
            self.steps.effect(Effect::Resume(host, numbers));
        }
    }

    /// Nothing of a host that is no longer served is waited for; its adapter would tell it again.
    pub(super) fn remove_host(&mut self, now: Timestamp, host: HostId, policy: &Policy) {
        for queued in self.deliveries.remove_host(now, host, policy) {
            self.forget(&queued.holds);
            self.forget(&queued.echoes);
            self.give_up(now, queued, PublishEnd::Withdrawn);
        }
        let forgotten = self.events.remove_host(host);
        self.steps.all_untold(forgotten);
    }

    /// Drops what the adapters will tell again after a restart.
    pub(super) fn abandon(&mut self) {
        for queued in self.deliveries.abandon() {
            self.forget(&queued.holds);
            self.forget(&queued.echoes);
        }
        self.events.abandon();
    }

    /// Drops `events`: they are never acknowledged, so that their adapter tells them again.
    pub(super) fn forget(&mut self, events: &[EventHold]) {
        self.events.drop_all(events);
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        let deliveries = self.deliveries.next_deadline().into_iter();
        deliveries.chain(self.events.next_deadline()).min()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.deliveries.is_empty() && self.events.is_empty()
    }

    /// Returns how much there is to do.
    pub(super) fn load(&self) -> Load {
        Load {
            deferred: self.events.deferred(),
            ..self.deliveries.load()
        }
    }

    /// Returns the best identity a host has offered.
    pub(super) fn offered(&self, host: HostId) -> Option<Identity> {
        self.deliveries.offered(host)
    }

    /// Returns who publishes for users of this host are from.
    pub(super) fn identity(&self, host: HostId) -> Identity {
        self.deliveries.identity(host)
    }
}
