//! Deliveries: those that wait for their turn, those in flight, and what their outcomes mean.

mod flights;
mod health;
mod judge;
mod queue;
mod routes;
#[cfg(test)]
mod tests;

use crate::delivery::{Class, DeliveryOutcome, Route};
use crate::hash::Seeded;
use crate::ids::{DeliveryId, EventHold, HostId, TraceId};
use crate::machine::values::{Attempt, Effect, Finished, MessageKey, Queued, RouteEvent, Sending};
use crate::registration::{Identity, Registration, Target};
use crate::report::{PublishEnd, Report};
use crate::settings::IdentityChoice;
use crate::store::{Change, Committed};
use crate::xep::error::DefinedCondition;
use crate::{Policy, Timestamp};
use flights::Flights;
use health::Health;
use jid::BareJid;
use judge::Judge;
use queue::{QueueKey, Queues};
use routes::Routes;
use std::sync::Arc;

/// For one registration, a delivery of each may wait.
const CLASSES: [Class; 3] = [Class::Message, Class::Call, Class::Stop];

/// Everything that is to be delivered, per host and push service.
#[derive(Debug)]
pub(super) struct Deliveries {
    routes: Routes,
    health: Health,
    judge: Judge,
    queues: Queues,
    flights: Flights,
    last_own: u64,
}

/// A delivery whose turn has come. It takes a place in flight until it is started or discarded.
#[derive(Debug)]
pub(super) struct Turn {
    queue: QueueKey,
    route: Route,
    queued: Queued,
}

impl Turn {
    pub(super) fn holds(&self) -> &[EventHold] {
        &self.queued.holds
    }

    /// Returns why it need not be sent any more, if it need not.
    pub(super) fn why_not(&self, now: Timestamp, is_withdrawn: bool) -> Option<PublishEnd> {
        let expires_at = self.queued.delivery.expires_at;
        let is_expired = expires_at.is_some_and(|at| at <= now);
        let expired = is_expired.then_some(PublishEnd::Expired);
        is_withdrawn.then_some(PublishEnd::Withdrawn).or(expired)
    }
}

impl Deliveries {
    pub(super) fn new(hash: Seeded, choice: IdentityChoice) -> Self {
        Self {
            routes: Routes::new(choice),
            health: Health::new(hash),
            judge: Judge::new(hash),
            queues: Queues::new(hash),
            flights: Flights::new(hash),
            last_own: 0,
        }
    }

    /// Takes a new delivery. Returns the trace of the one that waits already and has absorbed it, with the keys it forgot.
    pub(super) fn push(&mut self, queued: Queued) -> Option<(TraceId, Vec<MessageKey>)> {
        self.queues.push(queued)
    }

    /// Puts one back that was not sent after all; `pause` keeps its host's route closed for a moment. Returns the keys that it
    /// forgot.
    pub(super) fn put_back(
        &mut self,
        now: Timestamp,
        queued: Queued,
        pause: bool,
    ) -> Vec<MessageKey> {
        if pause {
            self.routes.pause(now, queued.host);
        }
        self.queues.put_back(queued)
    }

    /// Returns the next delivery that can be sent now.
    pub(super) fn next(&mut self, policy: &Policy) -> Option<Turn> {
        let routes = &self.routes;
        let bound = policy.in_flight_per_service;
        let (queue, route, queued) = self.queues.pop(bound, |host| routes.open(host))?;
        Some(Turn {
            queue,
            route,
            queued,
        })
    }

    /// Gives up a delivery whose turn had come.
    pub(super) fn discard(&mut self, turn: Turn) -> Queued {
        self.queues.release(turn.queue);
        turn.queued
    }

    /// Begins an attempt at a delivery.
    pub(super) fn start(&mut self, now: Timestamp, turn: Turn, policy: &Policy) -> Sending {
        let Turn {
            queue,
            route,
            queued,
        } = turn;
        let id = if route == Route::Adapter {
            DeliveryId::Adapter(queued.host, self.routes.draw(queued.host))
        } else {
            self.last_own += 1;
            DeliveryId::Own(self.last_own)
        };
        self.flights.start(now, id, queue, route, queued, policy)
    }

    /// Ends an attempt with this outcome.
    pub(super) fn finish(
        &mut self,
        now: Timestamp,
        id: DeliveryId,
        outcome: DeliveryOutcome,
        policy: &Policy,
    ) -> Option<Finished> {
        let flight = self.flights.take(id)?;
        self.queues.release(flight.queue());
        let (route, is_void) = (flight.route(), flight.is_void());
        let latency = now.since(flight.sent_at());
        let queued = flight.into_queued();
        let (host, registration) = (queued.host, &queued.delivery.registration);
        let (service, identity) = (&registration.target.service, route.identity());
        let accepted = self.health.accepted(host, service);
        let accepted = accepted.unwrap_or(registration.identity);
        if outcome == DeliveryOutcome::Accepted {
            self.health.accept(host, service, identity);
        }
        let attempt = Attempt {
            host,
            delivery: &queued.delivery,
            identity,
            accepted,
            is_healthy: true,
        };
        let finding = self.judge.judge(now, attempt, &outcome, policy);
        let no_room = has_no_room(&outcome);
        Some(Finished {
            finding,
            again: no_room && !is_void,
            no_room,
            outcome,
            latency,
            route,
            queued,
        })
    }

    /// Returns who an attempt goes to, in whose name, by which route.
    pub(super) fn of(&self, id: DeliveryId) -> Option<(&BareJid, &BareJid, Route)> {
        let flight = self.flights.get(id)?;
        let delivery = &flight.queued().delivery;
        let service = &delivery.registration.target.service;
        Some((service, &delivery.owner, flight.route()))
    }

    /// Attaches `events` to the deliveries that carry these messages already, so that they are acknowledged together. Returns
    /// how many those are.
    pub(super) fn join(
        &mut self,
        owner: &BareJid,
        target: &Target,
        keys: &[MessageKey],
        events: &[EventHold],
    ) -> usize {
        let mut joined = 0;
        for class in CLASSES {
            let waiting = self.queues.find(owner, target, class);
            if let Some(waiting) = waiting.filter(|waiting| waiting.tells_of(keys)) {
                waiting.holds.extend(events);
                joined += 1;
            }
        }
        joined + self.flights.join(target, keys, events)
    }

    /// Follows changes of an account: what waits for a registration that was enabled anew is published with the new options,
    /// what waits for one that is gone is taken out and returned.
    pub(super) fn follow(
        &mut self,
        owner: &BareJid,
        changes: &[Change],
        done: &[Committed],
    ) -> Vec<Queued> {
        let mut withdrawn = Vec::new();
        for (change, done) in changes.iter().zip(done) {
            if let (Change::Enable { registration, .. }, Committed::Enabled) = (change, done) {
                self.renew(owner, registration);
            }
            withdrawn.extend(self.withdraw(owner, |have| removes(change, have)));
        }
        withdrawn
    }

    fn renew(&mut self, owner: &BareJid, registration: &Registration) {
        for class in CLASSES {
            if let Some(waiting) = self.queues.find(owner, &registration.target, class) {
                waiting.delivery.registration = Arc::new(registration.clone());
            }
        }
    }

    /// Takes out what waits for registrations of a user that are meant; what is in flight for them is not sent again.
    pub(super) fn withdraw(
        &mut self,
        owner: &BareJid,
        is_meant: impl Fn(&Registration) -> bool,
    ) -> Vec<Queued> {
        self.flights.void(owner, &is_meant);
        self.queues.take(owner, is_meant)
    }

    /// Takes out what waits and will be told again by an adapter.
    pub(super) fn abandon(&mut self) -> Vec<Queued> {
        self.queues.take_all(|queued| !queued.holds.is_empty())
    }

    /// Takes out everything of a host, in flight or not, and closes its routes.
    pub(super) fn remove_host(&mut self, host: HostId) -> Vec<Queued> {
        let mut removed = self.queues.take_all(|queued| queued.host == host);
        for id in self.flights.of_host(host) {
            if let Some(flight) = self.flights.take(id) {
                self.queues.release(flight.queue());
                removed.push(flight.into_queued());
            }
        }
        self.routes.close(host);
        removed
    }

    /// Takes a change of the routes. What may have been lost with one is sent again over it, and what waited for one that is
    /// open now gets its turn.
    pub(super) fn route(
        &mut self,
        now: Timestamp,
        event: RouteEvent<'_>,
        policy: &Policy,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            RouteEvent::StreamUp => {
                self.routes.set_up(true);
                let again = self.flights.own_again(now, policy);
                effects.extend(again.into_iter().map(Effect::Send));
                self.queues.open_all();
            }
            RouteEvent::StreamDown => self.routes.set_up(false),
            RouteEvent::Attached(host, got) => {
                self.routes.set_attached(host, true);
                let again = self.flights.adapter_again(now, host, got, policy);
                effects.extend(again.into_iter().map(Effect::Send));
                self.queues.open(host);
            }
            RouteEvent::Detached(host) => self.routes.set_attached(host, false),
            RouteEvent::Heard(host) => self.routes.heard(host, now),
            RouteEvent::Offered(host, domain, identity) => {
                if self.routes.offer(host, identity) {
                    let host_name = domain.to_owned();
                    self.queues.open(host);
                    effects.push(Effect::Report(Report::IdentityChosen {
                        host: host_name,
                        identity,
                    }));
                }
            }
            RouteEvent::Chosen(choice) => {
                self.routes.choose(choice);
                self.queues.open_all();
            }
        }
        effects
    }

    /// Returns the best identity a host has offered.
    pub(super) fn offered(&self, host: HostId) -> Option<Identity> {
        self.routes.offered(host)
    }

    /// Returns who publishes for users of this host are from.
    pub(super) fn identity(&self, host: HostId) -> Identity {
        self.routes.identity(host)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.flights.len() == 0 && self.queues.waiting() == 0
    }

    pub(super) fn waiting(&self) -> usize {
        self.queues.waiting()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.flights.len()
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        let (timeout, pause) = (self.flights.next_deadline(), self.routes.next_deadline());
        timeout.into_iter().chain(pause).min()
    }

    /// Ends an attempt that nobody has answered in time. If its connection may be lost, the timer restarts; if its outcome may
    /// have been lost, the delivery is sent again.
    pub(super) fn tick(&mut self, now: Timestamp, policy: &Policy) -> Option<Finished> {
        while let Some(host) = self.routes.tick(now) {
            self.queues.open(host);
        }
        loop {
            let id = self.flights.tick(now)?;
            let flight = self.flights.get(id)?;
            let (host, again) = (flight.queued().host, flight.is_cut() && !flight.is_void());
            let (route, sent_at) = (flight.route(), flight.sent_at());
            if !self.routes.is_doubtful(route, host, sent_at) {
                let mut finished = self.finish(now, id, DeliveryOutcome::TimedOut, policy)?;
                finished.again = again;
                return Some(finished);
            }
            self.flights.again(now, id, policy);
        }
    }
}

/// Returns whether a change is the end of a registration; of one that was enabled later it is not.
fn removes(change: &Change, have: &Registration) -> bool {
    let target = &have.target;
    match change {
        Change::Remove {
            target: of, guard, ..
        } => target == of && guard.admits(have.revision),
        Change::RemoveService { service, up_to, .. } => {
            target.service == *service && have.revision <= *up_to
        }
        Change::RemoveOwner { up_to, .. } => have.revision <= *up_to,
        Change::Enable { .. } | Change::Settle { .. } => false,
    }
}

/// Returns whether the adapter had too much in flight.
fn has_no_room(outcome: &DeliveryOutcome) -> bool {
    let busy = DefinedCondition::ResourceConstraint;
    matches!(outcome, DeliveryOutcome::NotSent(error) if error.condition == busy)
}
