//! Publishing: when, under which identity, and again after a broken connection.

use super::deadlines::Key;
use super::publishes::{InFlight, Notification, PublishId};
use super::{Due, IdentityChoice, Machine};
use crate::Timestamp;
use crate::action::{Action, Outbound, OwnPublish};
use crate::link::{Outcome, ToAdapter};
use crate::registration::Identity;
use crate::report::{PublishEnd, Report};
use jid::BareJid;
use std::time::Duration;

/// How much longer than the adapter we wait, so that its word comes first.
const GRACE: Duration = Duration::from_secs(5);

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
    pub(super) fn pump(&mut self, now: Timestamp, service: &BareJid) {
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
}
