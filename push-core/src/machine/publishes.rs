//! Publishes: waiting for their turn, in flight, answered.

use super::deadlines::Key;
use super::dedupe::Mark;
use super::judge::{Verdict, judge};
use super::lanes::Item;
use super::queue::Queue;
use super::tickets::TicketId;
use super::{Due, IdentityChoice, Machine};
use crate::Timestamp;
use crate::action::{Action, Outbound, OwnPublish};
use crate::hash::{Seeded, SeededMap};
use crate::link::{Outcome, ToAdapter};
use crate::registration::{Identity, Registration, Target};
use crate::report::{PublishEnd, Report};
use crate::store::Change;
use crate::xep::error::DefinedCondition;
use crate::xep::push::Summary;
use jid::BareJid;
use std::sync::Arc;
use std::time::Duration;

/// How much longer than the adapter we wait, so that its word comes first.
const GRACE: Duration = Duration::from_secs(5);

/// The pause after an adapter had no room for a publish.
const PAUSE: Duration = Duration::from_secs(1);

/// Push services remembered; beyond it those with nothing in work are forgotten.
const MAX_SERVICES: usize = 10_000;

/// Names a publish in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct PublishId(u64);

/// A notification for one registration.
#[derive(Debug)]
pub(super) struct Notification {
    pub(super) host: usize,
    pub(super) owner: BareJid,
    pub(super) registration: Arc<Registration>,
    pub(super) summary: Arc<Summary>,
    pub(super) marks: Vec<Mark>,
    pub(super) tickets: Vec<TicketId>,
}

#[derive(Debug)]
struct InFlight {
    notification: Notification,
    identity: Identity,
    /// The adapter's number for it, under the server's identity.
    number: Option<u64>,
    sent_at: Timestamp,
    due: Key,
    /// The stream was cut while the adapter had it: its outcome may be lost.
    cut: bool,
}

/// What is known of a push service.
#[derive(Debug)]
struct Service {
    waiting: Queue,
    in_flight: usize,
    /// Nothing is sent to it for a moment: an adapter had no room.
    paused: bool,
    /// The identity it last accepted a publish under, by host.
    accepted: Vec<(usize, Identity)>,
}

/// All publishes.
#[derive(Debug)]
pub(super) struct Publishes {
    services: SeededMap<BareJid, Service>,
    in_flight: SeededMap<PublishId, InFlight>,
    /// Own publishes by IQ id.
    own: SeededMap<String, PublishId>,
    /// Which publish in flight tells a registration of a message.
    telling: SeededMap<Mark, PublishId>,
    waiting: usize,
    drawn: u64,
    hash: Seeded,
}

impl Publishes {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            services: hash.map(),
            in_flight: hash.map(),
            own: hash.map(),
            telling: hash.map(),
            waiting: 0,
            drawn: 0,
            hash,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.in_flight.is_empty() && self.waiting == 0
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Lets go of all that waits and that an adapter will tell again; returns the tickets.
    pub(super) fn abandon(&mut self) -> Vec<TicketId> {
        let told_again = |notification: &Notification| !notification.tickets.is_empty();
        let waiting: Vec<Notification> = self
            .services
            .values_mut()
            .flat_map(|service| service.waiting.take(told_again))
            .collect();
        self.waiting -= waiting.len();
        waiting
            .into_iter()
            .flat_map(|notification| notification.tickets)
            .collect()
    }

    /// The publish of our own under this IQ id, with what its answer must come from.
    pub(super) fn own(&self, id: &str) -> Option<(PublishId, &BareJid, &BareJid, Identity)> {
        let id = *self.own.get(id)?;
        let flight = self.in_flight.get(&id)?;
        let notification = &flight.notification;
        Some((
            id,
            &notification.registration.target.service,
            &notification.owner,
            flight.identity,
        ))
    }

    fn service(&mut self, service: &BareJid) -> &mut Service {
        if self.services.len() >= MAX_SERVICES && !self.services.contains_key(service) {
            self.services
                .retain(|_, known| known.in_flight > 0 || !known.waiting.is_empty());
        }
        let hash = self.hash;
        let fresh = || Service {
            waiting: Queue::new(hash),
            in_flight: 0,
            paused: false,
            accepted: Vec::new(),
        };
        self.services.entry(service.clone()).or_insert_with(fresh)
    }
}

impl Machine {
    /// Publishes a notification, now or when it can be sent and its push service has room.
    pub(super) fn publish(&mut self, now: Timestamp, notification: Notification) {
        let service = notification.registration.target.service.clone();
        if self.publishes.service(&service).waiting.push(notification) {
            self.publishes.waiting += 1;
        }
        self.pump(now, &service);
    }

    /// Sends what waits for a push service, as far as it has room and the hosts can be reached.
    fn pump(&mut self, now: Timestamp, service: &BareJid) {
        if self.publishes.service(service).paused {
            return;
        }
        let bound = self.policy().in_flight_per_service;
        let routes: Vec<Option<Identity>> =
            (0..self.hosts.len()).map(|host| self.route(host)).collect();
        while self.publishes.service(service).in_flight < bound {
            let state = self.publishes.service(service);
            let next = state
                .waiting
                .pop(|notification| routes[notification.host].is_some());
            let Some(notification) = next else { break };
            self.publishes.waiting -= 1;
            let identity = routes[notification.host].unwrap_or(Identity::Component);
            self.start(now, notification, identity);
        }
    }

    pub(super) fn pause_over(&mut self, now: Timestamp, service: &BareJid) {
        self.publishes.service(service).paused = false;
        self.pump(now, service);
    }

    /// Everything that waits may have a way now.
    pub(super) fn pump_all(&mut self, now: Timestamp) {
        let mut services: Vec<BareJid> = self.publishes.services.keys().cloned().collect();
        services.sort_unstable();
        services.iter().for_each(|service| self.pump(now, service));
    }

    /// Who publishes for users of this host are from.
    pub(super) fn identity(&self, host: usize) -> Identity {
        match self.settings.identity {
            IdentityChoice::Auto => self.hosts[host].identity.unwrap_or(Identity::Component),
            IdentityChoice::Only(identity) => identity,
        }
    }

    /// The identity of a publish sent right now; `None` while there is no way.
    fn route(&self, host: usize) -> Option<Identity> {
        let identity = self.identity(host);
        let open = if identity == Identity::Server {
            self.hosts[host].is_attached()
        } else {
            self.up
        };
        open.then_some(identity)
    }

    /// A host offers an identity. A better one is taken from now on; a lesser one never is, in this run.
    pub(super) fn offer_identity(&mut self, host: usize, identity: Identity) {
        if self.hosts[host].identity.is_none_or(|have| have < identity) {
            self.hosts[host].identity = Some(identity);
            let host = self.hosts[host].domain.to_string();
            self.report(Report::IdentityChosen { host, identity });
        }
    }

    fn start(&mut self, now: Timestamp, notification: Notification, identity: Identity) {
        if self.tickets.all_withdrawn(&notification.tickets) {
            return self.ended(now, &notification, identity, PublishEnd::Withdrawn, now);
        }
        self.publishes.drawn += 1;
        let id = PublishId(self.publishes.drawn);
        for &mark in &notification.marks {
            self.publishes.telling.insert(mark, id);
        }
        let adapter = identity == Identity::Server;
        let number = adapter.then(|| self.number_for(notification.host, id));
        let due = self.due_from(now, id, adapter);
        self.publishes
            .service(&notification.registration.target.service)
            .in_flight += 1;
        let flight = InFlight {
            notification,
            identity,
            number,
            sent_at: now,
            due,
            cut: false,
        };
        match number {
            Some(number) => self.send_by_adapter(&flight, number),
            None => self.send_own(&flight, id),
        }
        self.publishes.in_flight.insert(id, flight);
    }

    /// Sets the deadline of a publish sent now.
    fn due_from(&mut self, now: Timestamp, id: PublishId, adapter: bool) -> Key {
        let timeout = self.policy().publish_timeout;
        let due = now.after(if adapter { timeout + GRACE } else { timeout });
        self.deadlines.set(due, Due::Publish(id))
    }

    fn number_for(&mut self, host: usize, id: PublishId) -> u64 {
        let host = &mut self.hosts[host];
        host.published += 1;
        host.unanswered.insert(host.published, id);
        host.published
    }

    fn send_by_adapter(&mut self, flight: &InFlight, number: u64) {
        let publish = ToAdapter::Publish {
            number,
            timeout: self.policy().publish_timeout.as_secs(),
            registration: flight.notification.registration.clone(),
            summary: flight.notification.summary.clone(),
        };
        self.hosts[flight.notification.host].outbox.push(publish);
    }

    fn send_own(&mut self, flight: &InFlight, id: PublishId) {
        let iq_id = format!("{}-{}", self.hosts.instance, id.0);
        let notification = &flight.notification;
        let publish = OwnPublish {
            component: self.settings.component.as_str().into(),
            user: (flight.identity == Identity::User).then(|| notification.owner.clone()),
            id: iq_id.clone(),
            registration: notification.registration.clone(),
            summary: notification.summary.clone(),
        };
        self.publishes.own.insert(iq_id, id);
        self.actions
            .push_back(Action::Send(Outbound::Publish(publish)));
    }

    /// The link is up again: publishes the adapter did not get are sent again, the others' outcomes will come.
    pub(super) fn publish_again(&mut self, now: Timestamp, host: usize, got: u64) {
        let unanswered: Vec<(u64, PublishId)> = self.hosts[host]
            .unanswered
            .iter()
            .map(|(number, id)| (*number, *id))
            .collect();
        for (number, id) in unanswered {
            let Some(mut flight) = self.publishes.in_flight.remove(&id) else {
                continue;
            };
            self.begin_again(now, &mut flight, id);
            flight.cut = number <= got;
            if !flight.cut {
                self.send_by_adapter(&flight, number);
            }
            self.publishes.in_flight.insert(id, flight);
        }
    }

    /// The stream is up again: servers drop what is on it when it breaks, so that nobody knows what arrived.
    pub(super) fn send_own_again(&mut self, now: Timestamp) {
        let mut own: Vec<PublishId> = self.publishes.own.values().copied().collect();
        own.sort_unstable();
        for id in own {
            let Some(mut flight) = self.publishes.in_flight.remove(&id) else {
                continue;
            };
            self.begin_again(now, &mut flight, id);
            self.send_own(&flight, id);
            self.publishes.in_flight.insert(id, flight);
        }
    }

    fn begin_again(&mut self, now: Timestamp, flight: &mut InFlight, id: PublishId) {
        self.deadlines.cancel(flight.due);
        flight.due = self.due_from(now, id, flight.number.is_some());
    }

    pub(super) fn publish_due(&mut self, now: Timestamp, id: PublishId) {
        let Some(mut flight) = self.publishes.in_flight.remove(&id) else {
            return;
        };
        let (on_hold, cut) = (self.is_on_hold(&flight), flight.cut);
        if on_hold {
            self.begin_again(now, &mut flight, id);
        }
        self.publishes.in_flight.insert(id, flight);
        if !on_hold {
            // The adapter always has a word; if it was lost, nobody knows whether the push service was asked.
            self.finish(now, id, &Outcome::TimedOut, cut);
        }
    }

    /// Whether a publish may be lost with the stream and not for want of an answer. It is sent again when the stream (and
    /// the link) is back; a link nothing came over since may be dead already.
    fn is_on_hold(&self, flight: &InFlight) -> bool {
        let host = &self.hosts[flight.notification.host];
        match flight.number {
            None => !self.up,
            Some(_) => !host.is_attached() || host.heard_at <= flight.sent_at,
        }
    }

    /// A publish has an outcome.
    pub(super) fn published(&mut self, now: Timestamp, id: PublishId, outcome: &Outcome) {
        self.finish(now, id, outcome, no_room(outcome));
    }

    /// A publish is over; perhaps its notification goes `again`.
    fn finish(&mut self, now: Timestamp, id: PublishId, outcome: &Outcome, again: bool) {
        let Some(flight) = self.publishes.in_flight.remove(&id) else {
            return;
        };
        self.deadlines.cancel(flight.due);
        let InFlight {
            notification,
            identity,
            number,
            sent_at,
            ..
        } = flight;
        match number {
            Some(number) => drop(self.hosts[notification.host].unanswered.remove(&number)),
            None => drop(
                self.publishes
                    .own
                    .remove(&format!("{}-{}", self.hosts.instance, id.0)),
            ),
        }
        for mark in &notification.marks {
            self.publishes.telling.remove(mark);
        }
        self.settle(now, &notification, identity, outcome);
        let service = notification.registration.target.service.clone();
        self.publishes.service(&service).in_flight -= 1;
        if again {
            self.report_end(now, &notification, identity, end(outcome), sent_at);
            self.put_back(now, notification);
        } else {
            self.ended(now, &notification, identity, end(outcome), sent_at);
        }
        self.pump(now, &service);
    }

    /// The adapter did not send it: it waits for its turn again.
    fn put_back(&mut self, now: Timestamp, notification: Notification) {
        let service = notification.registration.target.service.clone();
        let state = self.publishes.service(&service);
        let one_more = state.waiting.put_back(notification);
        let paused = std::mem::replace(&mut state.paused, true);
        self.publishes.waiting += usize::from(one_more);
        if !paused {
            self.deadlines.set(now.after(PAUSE), Due::Unpause(service));
        }
    }

    /// What the outcome means for the registration.
    fn settle(
        &mut self,
        now: Timestamp,
        notification: &Notification,
        identity: Identity,
        outcome: &Outcome,
    ) {
        let (host, registration) = (notification.host, &notification.registration);
        let accepted = &mut self
            .publishes
            .service(&registration.target.service)
            .accepted;
        let known = accepted.iter_mut().find(|(of, _)| *of == host);
        let expected = known
            .as_ref()
            .map_or(registration.identity, |(_, identity)| *identity);
        if *outcome == Outcome::Done {
            match known {
                Some(known) => known.1 = identity,
                None => accepted.push((host, identity)),
            }
        }
        let Outcome::Refused(error) = outcome else {
            return;
        };
        if judge(outcome, identity, expected) == Verdict::Remove {
            let change = Change::Remove {
                owner: notification.owner.clone(),
                target: registration.target.clone(),
                revision: Some(registration.revision),
            };
            let item = Item::End {
                change,
                condition: error.condition,
            };
            self.enqueue(now, &notification.owner, item);
        }
    }

    fn ended(
        &mut self,
        now: Timestamp,
        notification: &Notification,
        identity: Identity,
        end: PublishEnd,
        since: Timestamp,
    ) {
        self.report_end(now, notification, identity, end, since);
        self.release(&notification.tickets);
    }

    fn report_end(
        &mut self,
        now: Timestamp,
        notification: &Notification,
        identity: Identity,
        end: PublishEnd,
        since: Timestamp,
    ) {
        self.report(Report::Published {
            owner: notification.owner.clone(),
            service: notification.registration.target.service.clone(),
            identity,
            end,
            latency: now.since(since),
        });
    }

    /// These events are told by what is published to a registration already; they end with it.
    pub(super) fn join_publishes(
        &mut self,
        owner: &BareJid,
        target: &Target,
        marks: &[Mark],
        tickets: &[TicketId],
    ) {
        let publishes = &mut self.publishes;
        let service = publishes.services.get_mut(&target.service);
        if let Some(waiting) = service.and_then(|service| service.waiting.find(owner, target)) {
            waiting.tickets.extend(tickets);
            tickets.iter().for_each(|&ticket| self.tickets.hold(ticket));
        }
        for mark in marks {
            let id = publishes.telling.get(mark);
            if let Some(flight) = id.and_then(|id| publishes.in_flight.get_mut(id)) {
                flight.notification.tickets.extend(tickets);
                tickets.iter().for_each(|&ticket| self.tickets.hold(ticket));
            }
        }
    }

    /// What waits for a registration that was enabled anew is published with the new options.
    pub(super) fn renew_publishes(&mut self, owner: &BareJid, registration: &Registration) {
        let target = &registration.target;
        let service = self.publishes.services.get_mut(&target.service);
        if let Some(waiting) = service.and_then(|service| service.waiting.find(owner, target)) {
            waiting.registration = Arc::new(registration.clone());
        }
    }

    /// Nothing that waits is published any more to what is no longer enabled.
    pub(super) fn withdraw_publishes(&mut self, owner: &BareJid, of: impl Fn(&Target) -> bool) {
        let mut withdrawn = Vec::new();
        for service in self
            .publishes
            .services
            .values_mut()
            .filter(|service| !service.waiting.is_empty())
        {
            let gone = |have: &Notification| have.owner == *owner && of(&have.registration.target);
            withdrawn.extend(service.waiting.take(gone));
        }
        self.publishes.waiting -= withdrawn.len();
        for notification in withdrawn {
            let identity = notification.registration.identity;
            let now = Timestamp::default();
            self.ended(now, &notification, identity, PublishEnd::Withdrawn, now);
        }
    }
}

/// Whether the adapter had too much in flight.
fn no_room(outcome: &Outcome) -> bool {
    let busy = DefinedCondition::ResourceConstraint;
    matches!(outcome, Outcome::LinkError(error) if error.condition == busy)
}

fn end(outcome: &Outcome) -> PublishEnd {
    match outcome {
        Outcome::Done => PublishEnd::Accepted,
        Outcome::Refused(error) => PublishEnd::Refused(error.condition),
        Outcome::Undeliverable(error) => PublishEnd::Undeliverable(error.condition),
        Outcome::LinkError(error) => PublishEnd::LinkError(error.condition),
        Outcome::Foreign => PublishEnd::Foreign,
        Outcome::TimedOut => PublishEnd::TimedOut,
    }
}
