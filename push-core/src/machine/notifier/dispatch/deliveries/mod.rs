//! Deliveries: those that wait for their turn, those in flight, and what their outcomes mean.

mod changes;
mod flights;
mod health;
mod judge;
mod queues;
mod routes;
#[cfg(test)]
mod tests;
mod turn;

pub(super) use changes::removes;
pub(super) use turn::{Next, Turn};

use crate::action::Load;
use crate::delivery::{DeliveryOutcome, Route};
use crate::hash::Seeded;
use crate::ids::{DeliveryId, HostId, ServiceKey, Slot, TraceId};
use crate::machine::values::{
    AfterAttempt, Attempt, Attempts, Effect, Finished, MessageKey, Pending, Place, Queued,
    RouteEvent, Sending,
};
use crate::registration::{Identity, Registration, Target};
use crate::report::Report;
use crate::settings::IdentityChoice;
use crate::store::{Change, Committed};
use crate::{Policy, Timestamp};
use flights::Flights;
use health::{Evidence, Health};
use jid::BareJid;
use judge::Judge;
use queues::Queues;
pub(super) use routes::PAUSE as NO_ROOM_PAUSE;
use routes::Routes;

/// Everything that is to be delivered, per host and push service.
#[derive(Debug)]
pub(super) struct Deliveries {
    routes: Routes,
    health: Health,
    judge: Judge,
    queues: Queues,
    flights: Flights,
    hash: Seeded,
}

impl Deliveries {
    pub(super) fn new(hash: Seeded, choice: IdentityChoice) -> Self {
        Self {
            routes: Routes::new(choice),
            health: Health::new(hash),
            judge: Judge::new(hash),
            queues: Queues::new(hash),
            flights: Flights::new(hash),
            hash,
        }
    }

    /// Returns whether a delivery can wait at its adapter.
    pub(super) fn can_defer(&self, queued: &Queued) -> bool {
        self.queues.can_defer(queued)
    }

    /// Returns whether a push service has room for a delivery now.
    pub(super) fn has_room(&mut self, now: Timestamp, queued: &Queued, policy: &Policy) -> bool {
        let service = queued.service(self.hash);
        let room = self.health.room(now, queued.host, service, policy);
        !room.is_full()
    }

    /// Takes a new delivery. Returns the trace of the one that waits already and has absorbed it, with the keys it forgot.
    pub(super) fn push(
        &mut self,
        now: Timestamp,
        queued: Queued,
        policy: &Policy,
    ) -> Option<(TraceId, Vec<MessageKey>)> {
        let service = queued.service(self.hash);
        let is_proven = self.health.is_proven(now, service, policy);
        self.queues.push(now, queued, is_proven, policy)
    }

    /// Puts one back that is to be sent again. Returns the keys that it forgot.
    pub(super) fn put_back(
        &mut self,
        now: Timestamp,
        queued: Queued,
        policy: &Policy,
    ) -> Vec<MessageKey> {
        self.queues.put_back(now, queued, policy.unproven_after)
    }

    /// Lets a push service have its turn: there may be something for it elsewhere.
    pub(super) fn offer(&mut self, host: HostId, service: ServiceKey) {
        self.queues.offer(host, service);
    }

    /// A push service needs its place no more: those that wait for one may have it.
    pub(super) fn pass(&mut self, now: Timestamp, policy: &Policy) {
        let mut places = self.health.places(policy);
        while places > 0
            && let Some((host, service)) = self.health.next_starved(now, policy)
        {
            // While its route is closed it does not wait for a place.
            if self.routes.open(host).is_some() {
                self.queues.offer(host, service);
                places -= 1;
            }
        }
    }

    /// A push service is well again: all that waits for it may be sent now.
    pub(super) fn hasten(&mut self, now: Timestamp, service: ServiceKey) {
        self.queues.hasten_all(now, service);
    }

    /// Takes the oldest of too many deliveries that wait in memory for their next attempt.
    pub(super) fn take_excess(&mut self, policy: &Policy) -> Option<Queued> {
        self.queues.take_excess(policy.retries_in_memory)
    }

    /// Returns whether a delivery has to wait for the end of another one of its user.
    pub(super) fn is_behind(&self, slot: Slot, service: ServiceKey) -> bool {
        self.queues.is_behind(slot, service)
    }

    /// Returns what can be done now.
    pub(super) fn next(&mut self, now: Timestamp, policy: &Policy) -> Option<Next> {
        let (routes, health) = (&self.routes, &mut self.health);
        let open = |host| routes.open(host);
        let room = |host, service| health.room(now, host, service, policy);
        self.queues.pop(now, policy, open, room)
    }

    /// Gives up a delivery whose turn had come.
    pub(super) fn discard(&mut self, turn: Turn) -> Queued {
        let (place, queued) = turn.into_parts();
        self.queues.end(place.slot);
        queued
    }

    /// Begins an attempt at a delivery.
    pub(super) fn start(&mut self, now: Timestamp, turn: Turn, policy: &Policy) -> Sending {
        let (place, queued) = turn.into_parts();
        let host = queued.host;
        let id = self.routes.draw(host, place.route);
        let place = Place {
            unproven: self.health.begin(now, place.service, policy),
            ..place
        };
        self.flights.start(now, id, place, queued, policy)
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
        let (place, is_gone) = (flight.place(), flight.is_gone());
        let latency = now.since(flight.sent_at());
        let queued = flight.into_queued();
        let (route, service) = (place.route, place.service);
        self.queues.end(place.slot);
        let registration = &queued.delivery.registration;
        let accepted = self.health.accepted(service);
        let attempt = Attempt {
            host: queued.host,
            delivery: &queued.delivery,
            identity: route.identity(),
            accepted: accepted.unwrap_or(registration.identity),
            is_healthy: self.health.is_well(service),
        };
        let finding = self.judge.judge(now, attempt, &outcome, policy);
        let passes = judge::is_passing(attempt, &outcome, queued.attempts.failed, policy);
        let user = self.hash.hash(&queued.delivery.owner);
        let evidence = Evidence::of(&outcome, route.identity(), user, passes);
        let name = registration.target.service.domain().as_str();
        let users = (evidence.vote()).map_or(0, |_| self.judge.users(now, queued.host, name));
        let health = self
            .health
            .end(now, service, place.unproven, evidence, users, policy);
        self.queues.offer(queued.host, service);
        self.pass(now, policy);
        let next = AfterAttempt::of(&outcome, passes, is_gone);
        let has_room = next != AfterAttempt::NoRoom;
        self.routes.serve(now, queued.host, user, has_room);
        Some(Finished {
            outcome,
            queued,
            latency,
            finding,
            place,
            health,
            next,
        })
    }

    /// Returns who an attempt goes to, in whose name, by which route.
    pub(super) fn of(&self, id: DeliveryId) -> Option<(&BareJid, &BareJid, Route)> {
        let flight = self.flights.get(id)?;
        let delivery = &flight.queued().delivery;
        let service = &delivery.registration.target.service;
        Some((service, &delivery.owner, flight.route()))
    }

    /// Attaches the events of `pending` to the deliveries that carry its messages already, so that they are acknowledged together.
    /// Returns how many those are.
    pub(super) fn join(&mut self, owner: &BareJid, target: &Target, pending: &Pending) -> usize {
        self.queues.join(owner, target, pending) + self.flights.join(target, pending)
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
                self.queues.renew(owner, registration);
            }
            withdrawn.extend(self.withdraw(owner, |have| removes(change, have)));
        }
        withdrawn
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
    pub(super) fn remove_host(
        &mut self,
        now: Timestamp,
        host: HostId,
        policy: &Policy,
    ) -> Vec<Queued> {
        let mut removed = Vec::new();
        for id in self.flights.of_host(host) {
            if let Some(flight) = self.flights.take(id) {
                let place = flight.place();
                let nothing = Evidence::Nothing;
                self.health
                    .end(now, place.service, place.unproven, nothing, 0, policy);
                self.queues.end(place.slot);
                removed.push(flight.into_queued());
            }
        }
        removed.extend(self.queues.take_all(|queued| queued.host == host));
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
            RouteEvent::Attached(attached) => {
                let host = attached.host;
                self.routes.set_attached(host, true);
                let until = now.after(policy.unproven_after);
                self.queues
                    .set_deferring(host, attached.deferred > 0, until);
                self.health.set_places(host, attached.places);
                let again = self.flights.adapter_again(now, host, attached.got, policy);
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

    pub(super) fn is_attached(&self, host: HostId) -> bool {
        self.routes.is_attached(host)
    }

    /// Returns the best identity a host has offered.
    pub(super) fn offered(&self, host: HostId) -> Option<Identity> {
        self.routes.offered(host)
    }

    /// Returns who publishes for users of this host are from.
    pub(super) fn identity(&self, host: HostId) -> Identity {
        self.routes.identity(host)
    }

    /// Returns whether nothing is in flight or waits for its turn.
    pub(super) fn is_empty(&self) -> bool {
        self.flights.len() == 0 && self.queues.waiting() == 0
    }

    /// Returns how many wait and how many are in flight.
    pub(super) fn load(&self) -> Load {
        Load {
            waiting: self.queues.waiting(),
            retries_in_memory: self.queues.kept(),
            in_flight: self.flights.len(),
            deferred: 0,
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        let deadlines = [
            self.flights.next_deadline(),
            self.routes.next_deadline(),
            self.queues.next_deadline(),
            self.health.next_deadline(),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// Returns a delivery that has waited for long enough, to wait elsewhere.
    pub(super) fn impatient(
        &mut self,
        now: Timestamp,
        policy: &Policy,
    ) -> Option<(Queued, Attempts)> {
        while let Some(host) = self.routes.tick(now) {
            self.queues.open(host);
        }
        self.health.tick(now);
        self.pass(now, policy);
        let (queued, is_behind) = self.queues.tick(now, policy)?;
        let end = if is_behind {
            // Until the one before it has ended.
            now.after(policy.publish_timeout + flights::GRACE)
        } else {
            now
        };
        let attempts = queued.attempts.not_before(end, is_behind);
        Some((queued, attempts))
    }

    /// Ends an attempt that nobody has answered in time. If its connection may be lost, the timer restarts; if its outcome may
    /// have been lost, the delivery is sent again.
    pub(super) fn tick(&mut self, now: Timestamp, policy: &Policy) -> Option<Finished> {
        loop {
            let id = self.flights.tick(now)?;
            let flight = self.flights.get(id)?;
            let (host, again) = (flight.queued().host, flight.is_cut() && !flight.is_gone());
            let (route, sent_at) = (flight.route(), flight.sent_at());
            if !self.routes.is_doubtful(route, host, sent_at) {
                let mut finished = self.finish(now, id, DeliveryOutcome::TimedOut, policy)?;
                if again {
                    finished.next = AfterAttempt::Again;
                }
                return Some(finished);
            }
            self.flights.again(now, id, policy);
        }
    }
}
