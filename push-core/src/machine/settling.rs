//! The end of a publish: what its outcome means for the registration, the push service and the events behind it.

use super::dedupe::Mark;
use super::judge::{Verdict, judge};
use super::lanes::Item;
use super::publishes::{InFlight, Notification, PublishId};
use super::tickets::TicketId;
use super::{Due, Machine};
use crate::Timestamp;
use crate::link::Outcome;
use crate::registration::{Identity, Registration, Target};
use crate::report::{PublishEnd, Report};
use crate::store::{Change, Guard};
use crate::xep::error::DefinedCondition;
use jid::BareJid;
use std::sync::Arc;
use std::time::Duration;

/// The pause after an adapter had no room for a publish.
const PAUSE: Duration = Duration::from_secs(1);

impl Machine {
    /// A publish has an outcome.
    pub(super) fn published(&mut self, now: Timestamp, id: PublishId, outcome: &Outcome) {
        self.finish(now, id, outcome, no_room(outcome));
    }

    /// A publish is over; perhaps its notification goes `again`.
    pub(super) fn finish(&mut self, now: Timestamp, id: PublishId, outcome: &Outcome, again: bool) {
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
                guard: Guard::Exactly(registration.revision),
            };
            let item = Item::End {
                change,
                condition: error.condition,
            };
            self.enqueue(now, &notification.owner, item);
        }
    }

    pub(super) fn ended(
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
