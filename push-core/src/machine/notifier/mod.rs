//! From a missed message or a request to what follows. This file joins the parts below it, which know nothing of each other.
//! A missed message passes [`decisions`] (is it worth a notification?), [`accounts`] (who is the user? the store may be asked),
//! [`decisions`] again (which registrations are told?) and [`deliveries`] (when, by which route, how did it end?). When [`holds`]
//! counts nothing more that its event waits for, it is acknowledged.

mod accounts;
mod decisions;
mod deliveries;
mod holds;
mod reports;

use super::inbound;
use super::values::{
    Asked, ClientRequest, Decided, Effect, Finished, Found, Item, Pending, Queued, Registrations,
    ReplyTo, RouteEvent,
};
use crate::delivery::DeliveryOutcome;
use crate::event::StoreAnswer;
use crate::hash::Seeded;
use crate::ids::{DeliveryId, EventHold, HostId, QueryId};
use crate::link::MissedMessage;
use crate::plugin::Plugin;
use crate::registration::{Identity, Target};
use crate::report::{Decision, PublishEnd, Report};
use crate::store::{Change, Committed, StoreError};
use crate::xep::error::StanzaError;
use crate::xep::iq::Iq;
use crate::xep::push::RequestError;
use crate::{Policy, Settings, Timestamp};
use accounts::{Accounts, Step};
use decisions::{Context, Decisions};
use deliveries::Deliveries;
use holds::Holds;
use jid::BareJid;
use rand_chacha::ChaCha8Rng;
use std::collections::VecDeque;
use std::sync::Arc;

/// Everything that is done for users, from what comes in to its effects.
#[derive(Debug)]
pub(super) struct Notifier {
    plugin: Arc<dyn Plugin>,
    policy: Policy,
    accounts: Accounts,
    decisions: Decisions,
    deliveries: Deliveries,
    holds: Holds,
    effects: VecDeque<Effect>,
}

impl Notifier {
    pub(super) fn new(hash: Seeded, rng: ChaCha8Rng, settings: &Settings) -> Self {
        Self {
            plugin: settings.plugin.clone(),
            policy: settings.policy.clone(),
            accounts: Accounts::new(hash, rng),
            decisions: Decisions::new(hash),
            deliveries: Deliveries::new(hash, settings.identity),
            holds: Holds::new(hash),
            effects: VecDeque::new(),
        }
    }

    /// Takes new settings, for what comes from now on.
    pub(super) fn configure(&mut self, now: Timestamp, settings: &Settings) {
        self.plugin = settings.plugin.clone();
        self.policy = settings.policy.clone();
        self.route(now, RouteEvent::Chosen(settings.identity));
    }

    /// A message was missed; `event` is acknowledged when nothing is left to do for it.
    pub(super) fn missed(
        &mut self,
        now: Timestamp,
        host: HostId,
        owner: &BareJid,
        missed: MissedMessage<'_>,
        event: Option<EventHold>,
    ) {
        event.into_iter().for_each(|event| self.holds.open(event));
        let (cause, trace) = (missed.cause, self.decisions.trace());
        let context = Context::new(&*self.plugin, owner, now);
        match self.decisions.consider(context, host, trace, missed, event) {
            Ok(pending) => self.push(now, owner, Item::Pending(pending)),
            Err(reason) => {
                self.report(reports::not_worth_it(trace, owner, cause, reason));
                self.release(event.as_slice());
            }
        }
    }

    /// An account was deleted or registered anew.
    pub(super) fn forget_user(&mut self, now: Timestamp, owner: &BareJid, event: EventHold) {
        self.holds.open(event);
        for queued in self.deliveries.withdraw(owner, |_| true) {
            self.unsent(now, &queued, PublishEnd::Withdrawn);
        }
        for pending in self.accounts.take_pending(owner) {
            self.conclude(owner, &pending, Decision::Withdrawn, Decided::default());
        }
        self.push(now, owner, Item::Forget(event));
    }

    /// The push service itself has told, at `at`, that it no longer serves `owner` at `target` (XEP-0357 §8).
    #[cfg_attr(not(test), expect(dead_code, reason = "no adapter tells of it yet"))]
    pub(super) fn revoked(
        &mut self,
        now: Timestamp,
        owner: &BareJid,
        target: Target,
        at: Timestamp,
        event: EventHold,
    ) {
        self.holds.open(event);
        let change = accounts::revocation(owner, target, at);
        self.push(now, owner, Item::Revoked { change, event });
    }

    /// A client asks to enable or disable push.
    pub(super) fn request(&mut self, now: Timestamp, host: HostId, asked: Asked) {
        let (owner, resource, reply) = (asked.owner, asked.resource, asked.reply);
        let request = match asked.request {
            Ok(_) if self.is_full() => Err(RequestError::Busy),
            Ok(request) => accounts::check(&owner, resource.as_deref(), request),
            Err(error) => Err(error),
        };
        match request {
            Err(error) => self.refuse(&owner, reply, &error),
            Ok(request) => {
                let identity = self.deliveries.identity(host);
                let asked = ClientRequest::new(request, resource, identity, reply);
                self.push(now, &owner, Item::Request(asked));
            }
        }
    }

    /// The users of these events are back: what was not sent need not be.
    pub(super) fn withdrawn(&mut self, events: Vec<EventHold>) {
        events
            .into_iter()
            .for_each(|event| self.holds.withdraw(event));
    }

    /// The store has answered.
    pub(super) fn stored(
        &mut self,
        now: Timestamp,
        id: QueryId,
        result: Result<StoreAnswer, StoreError>,
    ) {
        self.accounts.answered(now, id, result, &self.policy);
    }

    /// Somebody else has changed an account, or may have.
    pub(super) fn invalidate(&mut self, owner: &BareJid) {
        self.accounts.forget(owner);
        self.effects.push_back(Effect::User(owner.clone(), true));
    }

    /// An attempt at a delivery has ended.
    pub(super) fn outcome(&mut self, now: Timestamp, id: DeliveryId, outcome: DeliveryOutcome) {
        let finished = self.deliveries.finish(now, id, outcome, &self.policy);
        finished
            .into_iter()
            .for_each(|finished| self.finished(now, finished));
    }

    /// An IQ of our own was answered.
    pub(super) fn answer(&mut self, now: Timestamp, number: u64, from: &str, iq: Iq<'_>) {
        let id = DeliveryId::Own(number);
        let sent = self.deliveries.of(id);
        let outcome = sent
            .and_then(|(service, owner, route)| inbound::outcome(route, service, owner, from, iq));
        if let Some(outcome) = outcome {
            self.outcome(now, id, outcome);
        }
    }

    /// Routes open or close.
    pub(super) fn route(&mut self, now: Timestamp, event: RouteEvent<'_>) {
        let effects = self.deliveries.route(now, event, &self.policy);
        self.effects.extend(effects);
    }

    pub(super) fn tick(&mut self, now: Timestamp) {
        self.decisions.tick(now, &self.policy);
        self.accounts.tick(now, &self.policy);
        while let Some(finished) = self.deliveries.tick(now, &self.policy) {
            self.finished(now, finished);
        }
    }

    /// Goes on with what can be gone on with, and returns the next effect.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<Effect> {
        while let Some(step) = self.accounts.next(now, &self.policy) {
            self.step(now, step);
        }
        self.send(now);
        self.effects.pop_front()
    }

    /// Puts an item into its user's lane.
    fn push(&mut self, now: Timestamp, owner: &BareJid, item: Item) {
        let trace = item.trace();
        let absorbed = self.accounts.push(now, owner, item, &self.policy);
        if let Some((trace, into)) = trace.zip(absorbed) {
            self.report(Report::Joined { trace, into });
        }
    }

    fn step(&mut self, now: Timestamp, step: Step) {
        match step {
            Step::Ask(id, query) => self.effects.push_back(Effect::Ask(id, query)),
            Step::Decide(owner, pending, registrations) => {
                self.decide(now, &owner, &pending, &registrations);
            }
            Step::Done {
                owner,
                item,
                changes,
                done,
            } => self.done(now, &owner, item, &changes, &done),
            Step::Refuse(owner, asked, error) => self.refuse(&owner, asked.reply, &error),
            Step::Distrust(owner) => self.effects.push_back(Effect::User(owner, true)),
            Step::Report(report) => self.report(report),
        }
    }

    fn decide(&mut self, now: Timestamp, owner: &BareJid, pending: &Pending, have: &Registrations) {
        if have.is_empty() {
            self.effects.push_back(Effect::User(owner.clone(), false));
            return self.conclude(owner, pending, Decision::NoRegistration, Decided::default());
        }
        if self.holds.all_withdrawn(&pending.holds) {
            return self.conclude(owner, pending, Decision::Withdrawn, Decided::default());
        }
        let context = Context::new(&*self.plugin, owner, now);
        let mut decided = self.decisions.decide(context, pending, have);
        let decision = decided.decision();
        for registration in &decided.told_before {
            let (target, keys) = (&registration.target, &pending.keys);
            let joined = self.deliveries.join(owner, target, keys, &pending.holds);
            (0..joined).for_each(|_| self.holds.add(&pending.holds));
        }
        for queued in std::mem::take(&mut decided.deliveries) {
            self.deliver(queued);
        }
        self.conclude(owner, pending, decision, decided);
    }

    /// Reports a decision; the events behind it wait for one thing less.
    fn conclude(&mut self, owner: &BareJid, pending: &Pending, decision: Decision, what: Decided) {
        let report = reports::decided(owner, pending, decision, what.passed_over);
        self.report(report);
        self.release(&pending.holds);
    }

    fn deliver(&mut self, queued: Queued) {
        self.holds.add(&queued.holds);
        let trace = queued.delivery.trace;
        let registration = queued.delivery.registration.clone();
        if let Some((into, forgotten)) = self.deliveries.push(queued) {
            self.decisions.unsent(&forgotten, &registration.target);
            self.report(Report::Joined { trace, into });
        }
    }

    fn send(&mut self, now: Timestamp) {
        while let Some(turn) = self.deliveries.next(&self.policy) {
            let is_withdrawn = self.holds.all_withdrawn(turn.holds());
            if let Some(end) = turn.why_not(now, is_withdrawn) {
                let queued = self.deliveries.discard(turn);
                self.unsent(now, &queued, end);
            } else {
                let sending = self.deliveries.start(now, turn, &self.policy);
                self.effects.push_back(Effect::Send(sending));
            }
        }
    }

    fn finished(&mut self, now: Timestamp, finished: Finished) {
        self.report(reports::finished(now, &finished));
        let was_sent = finished.was_sent();
        let (queued, finding) = (finished.queued, finished.finding);
        let registration = queued.delivery.registration.clone();
        if let Some(finding) = finding {
            let found = Found::new(now, &queued.delivery, finding);
            self.push(now, &queued.delivery.owner, Item::Found(found));
        }
        if finished.again {
            let forgotten = self.deliveries.put_back(now, queued, finished.no_room);
            return self.decisions.unsent(&forgotten, &registration.target);
        }
        if !was_sent {
            self.decisions.unsent(&queued.keys, &registration.target);
        }
        self.release(&queued.holds);
    }

    /// A delivery is given up that was not sent.
    fn unsent(&mut self, now: Timestamp, queued: &Queued, end: PublishEnd) {
        self.report(reports::unsent(now, queued, end));
        self.decisions.given_up(queued);
        self.release(&queued.holds);
    }

    /// The store has made the changes that an item needed.
    fn done(
        &mut self,
        now: Timestamp,
        owner: &BareJid,
        item: Item,
        changes: &[Change],
        done: &[Committed],
    ) {
        for queued in self.deliveries.follow(owner, changes, done) {
            self.unsent(now, &queued, PublishEnd::Withdrawn);
        }
        if matches!(changes, [Change::Enable { .. }, ..]) {
            self.effects.push_back(Effect::User(owner.clone(), true));
        }
        let report = reports::done(owner, &item, changes, done);
        self.effects.extend(report.map(Effect::Report));
        match item {
            Item::Request(asked) => self.effects.push_back(Effect::Answer(asked.reply, Ok(()))),
            Item::Forget(event) | Item::Revoked { event, .. } => self.release(&[event]),
            Item::RemoveAgain(_) => self.invalidate(owner),
            Item::Pending(_) | Item::Found(_) => {}
        }
    }

    fn refuse(&mut self, owner: &BareJid, reply: ReplyTo, error: &RequestError) {
        let error = StanzaError::from(error);
        self.report(reports::refused(owner, error.condition));
        self.effects.push_back(Effect::Answer(reply, Err(error)));
    }

    /// One thing less to wait for: what waits for nothing more is acknowledged.
    fn release(&mut self, events: &[EventHold]) {
        let done = self.holds.release(events);
        if !done.is_empty() {
            self.effects.push_back(Effect::Acknowledge(done));
        }
    }

    /// Nothing of a host that is no longer served is waited for; its adapter would tell it again.
    pub(super) fn remove_host(&mut self, now: Timestamp, host: HostId) {
        for pending in self.accounts.take_pending_of(host) {
            self.holds.forget(&pending.holds);
        }
        for queued in self.deliveries.remove_host(host) {
            self.holds.forget(&queued.holds);
            self.unsent(now, &queued, PublishEnd::Withdrawn);
        }
    }

    /// Drops what the adapters will tell again after a restart.
    pub(super) fn abandon(&mut self) {
        self.holds.forget(&self.accounts.abandon());
        for queued in self.deliveries.abandon() {
            self.holds.forget(&queued.holds);
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        let (accounts, deliveries) = (
            self.accounts.next_deadline(),
            self.deliveries.next_deadline(),
        );
        accounts.into_iter().chain(deliveries).min()
    }

    /// Returns whether nothing is in work.
    pub(super) fn is_idle(&self) -> bool {
        self.accounts.is_empty() && self.deliveries.is_empty() && self.holds.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.waiting() >= self.policy.max_queue
    }

    /// Returns how many missed messages and requests wait for the store, and deliveries for their turn.
    pub(super) fn waiting(&self) -> usize {
        self.accounts.waiting() + self.deliveries.waiting()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.deliveries.in_flight()
    }

    /// Returns the best identity a host has offered.
    pub(super) fn offered(&self, host: HostId) -> Option<Identity> {
        self.deliveries.offered(host)
    }

    fn report(&mut self, report: Report) {
        self.effects.push_back(Effect::Report(report));
    }
}

#[cfg(test)]
mod tests;
