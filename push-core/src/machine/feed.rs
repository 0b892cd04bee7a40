//! Missed messages: from the feed to the decision.

use super::Machine;
use super::cache::Registrations;
use super::dedupe::MessageKey;
use super::lanes::Item;
use super::publishes::Notification;
use super::tickets::TicketId;
use crate::Timestamp;
use crate::link::{LinkEvent, LinkEventKind};
use crate::plugin::{Missed, Situation};
use crate::report::{Decision, Report};
use crate::session::{Cause, Session};
use crate::xep::message::{Message, MessageType};
use crate::xep::push::Summary;
use crate::xml::ElementRef;
use jid::BareJid;
use std::sync::Arc;

/// Missed messages of one user that wait for a decision, as one.
#[derive(Debug)]
pub(super) struct Wake {
    /// Index of the host.
    pub(super) host: usize,
    pub(super) cause: Cause,
    pub(super) resource: Option<String>,
    pub(super) sessions: Vec<Session>,
    pub(super) summary: Summary,
    pub(super) keys: Vec<MessageKey>,
    pub(super) tickets: Vec<TicketId>,
}

impl Wake {
    /// Whether a newer one may take this one's place.
    pub(super) fn absorbs(&self, newer: &Self) -> bool {
        self.cause == newer.cause && self.resource == newer.resource && self.host == newer.host
    }

    /// Newest content, summed count.
    pub(super) fn absorb(&mut self, newer: Self) {
        self.summary = joined(&self.summary, newer.summary);
        self.sessions = newer.sessions;
        self.keys.extend(newer.keys);
        self.tickets.extend(newer.tickets);
    }

    fn situation<'a>(&'a self, registrations: &Registrations) -> Situation<'a> {
        let resource = self.resource.as_deref();
        let bound = |have: &Arc<crate::Registration>| {
            resource.is_some() && have.resource.as_deref() == resource
        };
        let bound = registrations.iter().any(bound);
        Situation {
            cause: self.cause,
            resource,
            sessions: &self.sessions,
            bound,
        }
    }
}

/// The newer summary, counting the messages of both.
pub(super) fn joined(older: &Summary, newer: Summary) -> Summary {
    let both = older.message_count.zip(newer.message_count);
    let count = both.map(|(older, newer)| older.saturating_add(newer));
    Summary {
        message_count: count.or(newer.message_count),
        ..newer
    }
}

/// A missed message as it came.
pub(super) struct Arrived<'a> {
    pub(super) host: usize,
    pub(super) cause: Cause,
    pub(super) resource: Option<&'a str>,
    pub(super) count: u64,
    pub(super) sessions: Vec<Session>,
    pub(super) message: Option<ElementRef<'a>>,
    pub(super) ticket: Option<TicketId>,
}

impl Machine {
    /// An event of an attached adapter.
    pub(super) fn event(&mut self, now: Timestamp, host: usize, event: LinkEvent<'_>) {
        if self.draining.is_some() {
            return;
        }
        let Some(ticket) = self.take_number(host, event.number) else {
            return;
        };
        let Some(owner) = self.owner(host, event.user) else {
            return self.release(&[ticket]);
        };
        match event.kind {
            LinkEventKind::Missed {
                cause,
                resource,
                count,
                sessions,
                message,
                ..
            } => {
                let arrived = Arrived {
                    host,
                    cause,
                    resource,
                    count,
                    sessions,
                    message,
                    ticket: Some(ticket),
                };
                self.missed(now, &owner, arrived);
            }
            LinkEventKind::Removed | LinkEventKind::Created => {
                self.withdraw_publishes(&owner, |_| true);
                for wake in self.lanes.take_wakes(&owner) {
                    self.decided(
                        owner.clone(),
                        wake.cause,
                        Decision::Withdrawn,
                        &wake.tickets,
                    );
                }
                self.enqueue(now, &owner, Item::Forget(ticket));
            }
            LinkEventKind::Unknown => self.release(&[ticket]),
        }
    }

    /// The account of a user an adapter names.
    pub(super) fn owner(&self, host: usize, user: &str) -> Option<BareJid> {
        let domain = &self.hosts[host].domain;
        let owner = BareJid::new(&format!("{user}@{domain}")).ok()?;
        // Whatever is in the name: it is of this host.
        (owner.node().is_some() && owner.domain().as_str() == &**domain).then_some(owner)
    }

    /// Opens a ticket for an event number; `None` when it is known already.
    fn take_number(&mut self, host: usize, number: u64) -> Option<TicketId> {
        let state = &mut self.hosts[host];
        if number <= state.highest {
            if !state.pending.contains_key(&number) {
                state.done.push((number, number));
            }
            return None;
        }
        if self.skipped && state.highest + 1 < number {
            // What is missing was over the transport's limit (or is done): sending it again would not help.
            state.done.push((state.highest + 1, number - 1));
        }
        state.highest = number;
        let ticket = self.tickets.open(host, state.generation, number);
        state.pending.insert(number, ticket);
        Some(ticket)
    }

    /// Decides what can be said about a missed message, and puts it into its user's lane.
    pub(super) fn missed(&mut self, now: Timestamp, owner: &BareJid, arrived: Arrived<'_>) {
        let (cause, tickets) = (arrived.cause, Vec::from_iter(arrived.ticket));
        let outer = arrived.message.and_then(Message::read);
        let inner = outer
            .and_then(Message::unwrapped)
            .filter(|message| message.kind != MessageType::Error);
        let lost_content = arrived.message.is_none();
        let missed = Missed {
            cause,
            message: inner,
            count: arrived.count,
        };
        let summary = if inner.is_some() || lost_content {
            self.settings.plugin.prepare_notification(&missed)
        } else {
            None
        };
        let Some(summary) = summary else {
            return self.decided(owner.clone(), cause, Decision::NotWorthIt, &tickets);
        };
        let key = outer
            .zip(inner)
            .map(|(outer, inner)| self.dedupe.key(owner, outer, inner));
        let wake = Wake {
            host: arrived.host,
            cause,
            resource: arrived.resource.map(str::to_owned),
            sessions: arrived.sessions,
            summary,
            keys: Vec::from_iter(key),
            tickets,
        };
        self.enqueue(now, owner, Item::Wake(wake));
    }

    /// The account is known: who is told?
    pub(super) fn decide(
        &mut self,
        now: Timestamp,
        owner: BareJid,
        wake: Wake,
        registrations: &Registrations,
    ) {
        let (cause, tickets) = (wake.cause, wake.tickets.clone());
        let decision = self.notify(now, &owner, wake, registrations);
        self.decided(owner, cause, decision, &tickets);
    }

    fn notify(
        &mut self,
        now: Timestamp,
        owner: &BareJid,
        wake: Wake,
        registrations: &Registrations,
    ) -> Decision {
        if registrations.is_empty() {
            self.believe_for_now(now, wake.host);
            self.state_user(wake.host, owner, false);
            return Decision::NoRegistration;
        }
        if self.tickets.all_withdrawn(&wake.tickets) {
            return Decision::Withdrawn;
        }
        let situation = wake.situation(registrations);
        let plugin = &self.settings.plugin;
        let concerned = |have: &&Arc<crate::Registration>| plugin.should_publish(&situation, have);
        let concerned: Vec<_> = registrations.iter().filter(concerned).collect();
        if concerned.is_empty() {
            return Decision::NotConcerned;
        }
        let told = |have: &&Arc<crate::Registration>| self.dedupe.told(&wake.keys, &have.target);
        let (told, fresh): (Vec<_>, Vec<_>) =
            concerned.into_iter().cloned().partition(|have| told(&have));
        for registration in told {
            self.dedupe.learn(&wake.keys, &registration.target);
            let marks = self.dedupe.marks(&wake.keys, &registration.target);
            self.join_publishes(owner, &registration.target, &marks, &wake.tickets);
        }
        if fresh.is_empty() {
            return Decision::Duplicate;
        }
        let (summary, count) = (Arc::new(wake.summary), fresh.len());
        for registration in fresh {
            self.dedupe.mark(&wake.keys, &registration.target);
            wake.tickets
                .iter()
                .for_each(|&ticket| self.tickets.hold(ticket));
            let marks = self.dedupe.marks(&wake.keys, &registration.target);
            let notification = Notification {
                host: wake.host,
                owner: owner.clone(),
                registration,
                summary: summary.clone(),
                marks,
                tickets: wake.tickets.clone(),
            };
            self.publish(now, notification);
        }
        Decision::Notify(count)
    }

    pub(super) fn decided(
        &mut self,
        owner: BareJid,
        cause: Cause,
        decision: Decision,
        tickets: &[TicketId],
    ) {
        self.report(Report::Decided {
            owner,
            cause,
            decision,
        });
        self.release(tickets);
    }

    /// One holder less for each; what nobody holds is acknowledged.
    pub(super) fn release(&mut self, tickets: &[TicketId]) {
        for &id in tickets {
            let Some(ticket) = self.tickets.release(id) else {
                continue;
            };
            let host = &mut self.hosts[ticket.host];
            if host.generation == ticket.generation {
                host.pending.remove(&ticket.number);
                if host.is_attached() {
                    host.done.push((ticket.number, ticket.number));
                }
            }
        }
    }
}
