//! From a missed message or a request to what follows. This file joins the parts below it, which know nothing of each other.
//! A missed message passes [`decisions`] (is it worth a notification?), [`accounts`] (who is the user? the store may be asked),
//! [`decisions`] again (which registrations are told?) and [`dispatch`] (when, by which route, how did it end?), which says at last
//! that its event can be acknowledged.

mod accounts;
mod decisions;
mod dispatch;
mod reports;

use super::inbound;
use super::values::{
    Arrival, Asked, ClientRequest, Decided, Effect, Item, Pending, Registrations, ReplyTo, Retry,
    RouteEvent, Told, Withdrawn,
};
use crate::action::Load;
use crate::delivery::DeliveryOutcome;
use crate::event::StoreAnswer;
use crate::hash::Seeded;
use crate::ids::{DeliveryId, EventHold, HostId, QueryId};
use crate::link::MissedMessage;
use crate::plugin::Plugin;
use crate::registration::Identity;
use crate::report::{Decision, Report};
use crate::store::{Change, Committed, StoreError};
use crate::xep::error::StanzaError;
use crate::xep::iq::Iq;
use crate::xep::push::RequestError;
use crate::xep::revocation::Revocation;
use crate::{Policy, Settings, Timestamp};
use accounts::{Accounts, Step};
use decisions::{Context, Decisions};
use dispatch::Dispatch;
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
    dispatch: Dispatch,
    effects: VecDeque<Effect>,
}

impl Notifier {
    pub(super) fn new(hash: Seeded, rng: ChaCha8Rng, settings: &Settings) -> Self {
        Self {
            plugin: settings.plugin.clone(),
            policy: settings.policy.clone(),
            accounts: Accounts::new(hash, rng),
            decisions: Decisions::new(hash),
            dispatch: Dispatch::new(hash, settings.identity),
            effects: VecDeque::new(),
        }
    }

    /// Takes new settings, for what comes from now on.
    pub(super) fn configure(&mut self, now: Timestamp, settings: &Settings) {
        self.plugin = settings.plugin.clone();
        self.policy = settings.policy.clone();
        self.route(now, RouteEvent::Chosen(settings.identity));
    }

    /// A message was missed; its event is acknowledged when nothing is left to do for it.
    pub(super) fn missed(
        &mut self,
        now: Timestamp,
        host: HostId,
        owner: &BareJid,
        mut missed: MissedMessage<'_>,
        told: Told,
    ) {
        let event = told.event;
        event
            .into_iter()
            .for_each(|event| self.dispatch.open(event));
        let recipients = std::mem::take(&mut missed.recipients);
        let retry = self.dispatch.resumed(now, told.was, recipients);
        let again = told.is_again.then(Retry::default);
        let cause = missed.cause;
        let known = retry.as_ref().and_then(|retry| retry.trace);
        let trace = known.unwrap_or_else(|| self.decisions.trace());
        let context = Context::new(&*self.plugin, owner, now);
        let arrival = Arrival {
            host,
            trace,
            event,
            retry: retry.or(again),
        };
        match self.decisions.consider(context, arrival, missed) {
            Ok(pending) => self.push(now, owner, Item::Pending(pending)),
            Err(skipped) => {
                let (verdict, retry) = *skipped;
                self.report(reports::not_worth_it(trace, owner, cause, &verdict));
                retry.iter().for_each(|retry| self.dispatch.decided(retry));
                self.dispatch.release(now, event.as_slice());
            }
        }
    }

    /// An event comes again whose deferral its adapter has not heard of. Returns false if nothing is known of it.
    pub(super) fn defer_again(&mut self, event: EventHold) -> bool {
        self.dispatch.defer_again(event)
    }

    /// An account was deleted or registered anew.
    pub(super) fn forget_user(&mut self, now: Timestamp, owner: &BareJid, event: EventHold) {
        self.dispatch.open(event);
        self.dispatch.forget_user(now, owner);
        for pending in self.accounts.take_pending(owner) {
            self.conclude(
                now,
                owner,
                &pending,
                Decision::Withdrawn,
                Decided::default(),
            );
        }
        self.push(now, owner, Item::Forget(event));
    }

    /// A push service has told `owner` that it no longer serves them, at `at` if that is known (XEP-0357 §8).
    pub(super) fn revoked(
        &mut self,
        now: Timestamp,
        owner: &BareJid,
        revocation: Revocation,
        at: Option<Timestamp>,
        event: EventHold,
    ) {
        self.dispatch.open(event);
        if revocation.user != *owner {
            return self.dispatch.release(now, &[event]);
        }
        // The adapter's clock may be ahead: what is enabled from now on stays.
        let at = at.unwrap_or(now).min(now);
        let change = accounts::revocation(owner, revocation.target, at);
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
                let identity = self.dispatch.identity(host);
                let asked = ClientRequest::new(request, resource, identity, reply);
                self.push(now, &owner, Item::Request(asked));
            }
        }
    }

    /// Adapters have ended these events: what was not sent need not be.
    pub(super) fn withdrawn(&mut self, withdrawn: Withdrawn) {
        self.dispatch.withdrawn(withdrawn);
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
        self.dispatch.outcome(now, id, outcome, &self.policy);
    }

    /// An IQ of our own was answered.
    pub(super) fn answer(&mut self, now: Timestamp, number: u64, from: &str, iq: Iq<'_>) {
        let id = DeliveryId::Own(number);
        let sent = self.dispatch.of(id);
        let outcome = sent
            .and_then(|(service, owner, route)| inbound::outcome(route, service, owner, from, iq));
        if let Some(outcome) = outcome {
            self.outcome(now, id, outcome);
        }
    }

    /// Routes open or close.
    pub(super) fn route(&mut self, now: Timestamp, event: RouteEvent<'_>) {
        self.dispatch.route(now, event, &self.policy);
    }

    pub(super) fn tick(&mut self, now: Timestamp) {
        self.decisions.tick(now, &self.policy);
        self.accounts.tick(now, &self.policy);
        self.dispatch.tick(now, &self.policy);
    }

    /// Goes on with what can be gone on with, and returns the next effect.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<Effect> {
        loop {
            while let Some(step) = self.accounts.next(now, &self.policy) {
                self.step(now, step);
            }
            if let Some(effect) = self.effects.pop_front() {
                return Some(effect);
            }
            let step = self.dispatch.next(now, &self.policy)?;
            self.dispatched(now, step);
        }
    }

    fn dispatched(&mut self, now: Timestamp, step: dispatch::Step) {
        match step {
            dispatch::Step::Effect(effect) => self.effects.push_back(effect),
            dispatch::Step::Untold(keys, registration) => {
                self.decisions.unsent(&keys, &registration.target);
            }
            dispatch::Step::Deferred(keys, registration) => {
                self.decisions.deferred(&keys, &registration.target);
            }
            dispatch::Step::GivenUp(queued) => self.decisions.given_up(&queued),
            dispatch::Step::Found(owner, found) => self.push(now, &owner, Item::Found(found)),
        }
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
            return self.conclude(
                now,
                owner,
                pending,
                Decision::NoRegistration,
                Decided::default(),
            );
        }
        if self.dispatch.all_withdrawn(&pending.holds) {
            return self.conclude(now, owner, pending, Decision::Withdrawn, Decided::default());
        }
        let context = Context::new(&*self.plugin, owner, now);
        let mut decided = self.decisions.decide(context, pending, have, &self.policy);
        let decision = decided.decision();
        for registration in &decided.told_before {
            self.dispatch.join(owner, &registration.target, pending);
        }
        for queued in std::mem::take(&mut decided.deliveries) {
            let is_retry = pending.retry.is_some();
            self.dispatch.deliver(now, queued, is_retry, &self.policy);
        }
        self.conclude(now, owner, pending, decision, decided);
    }

    /// Reports a decision; the events behind it wait for one thing less.
    fn conclude(
        &mut self,
        now: Timestamp,
        owner: &BareJid,
        pending: &Pending,
        decision: Decision,
        what: Decided,
    ) {
        let report = reports::decided(owner, pending, decision, what.passed_over);
        self.report(report);
        let retry = pending.retry.iter();
        retry.for_each(|retry| self.dispatch.decided(retry));
        self.dispatch.release(now, &pending.holds);
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
        self.dispatch.follow(now, owner, changes, done);
        if matches!(changes, [Change::Enable { .. }, ..]) {
            self.effects.push_back(Effect::User(owner.clone(), true));
        }
        let report = reports::done(owner, &item, changes, done);
        self.effects.extend(report.map(Effect::Report));
        match item {
            Item::Request(asked) => self.effects.push_back(Effect::Answer(asked.reply, Ok(()))),
            Item::Forget(event) | Item::Revoked { event, .. } => {
                self.dispatch.release(now, &[event])
            }
            Item::RemoveAgain(_) => self.invalidate(owner),
            Item::Pending(_) | Item::Found(_) => {}
        }
    }

    fn refuse(&mut self, owner: &BareJid, reply: ReplyTo, error: &RequestError) {
        let error = StanzaError::from(error);
        self.report(reports::refused(owner, error.condition));
        self.effects.push_back(Effect::Answer(reply, Err(error)));
    }

    /// Nothing of a host that is no longer served is waited for; its adapter would tell it again.
    pub(super) fn remove_host(&mut self, now: Timestamp, host: HostId) {
        for pending in self.accounts.take_pending_of(host) {
            let retry = pending.retry.iter();
            retry.for_each(|retry| self.dispatch.decided(retry));
            self.dispatch.forget(&pending.holds);
        }
        self.dispatch.remove_host(now, host, &self.policy);
    }

    /// Drops what the adapters will tell again after a restart.
    pub(super) fn abandon(&mut self) {
        self.dispatch.forget(&self.accounts.abandon());
        self.dispatch.abandon();
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        let (accounts, dispatch) = (self.accounts.next_deadline(), self.dispatch.next_deadline());
        accounts.into_iter().chain(dispatch).min()
    }

    /// Returns whether nothing is in work.
    pub(super) fn is_idle(&self) -> bool {
        self.accounts.is_empty() && self.dispatch.is_empty()
    }

    /// Returns whether as much waits as may.
    pub(super) fn is_full(&self) -> bool {
        self.load().waiting >= self.policy.max_queue
    }

    /// Returns how much there is to do.
    pub(super) fn load(&self) -> Load {
        let load = self.dispatch.load();
        Load {
            waiting: self.accounts.waiting() + load.waiting,
            ..load
        }
    }

    /// Returns the best identity a host has offered.
    pub(super) fn offered(&self, host: HostId) -> Option<Identity> {
        self.dispatch.offered(host)
    }

    fn report(&mut self, report: Report) {
        self.effects.push_back(Effect::Report(report));
    }
}

#[cfg(test)]
mod tests;
