//! Publishes: those that wait for their turn, and those in flight.

use super::deadlines::Key;
use super::dedupe::Mark;
use super::queue::Queue;
use super::tickets::TicketId;
use crate::Timestamp;
use crate::hash::{Seeded, SeededMap};
use crate::registration::{Identity, Registration};
use crate::xep::push::Summary;
use jid::BareJid;
use std::sync::Arc;

/// Push services remembered; beyond it those with nothing in work are forgotten.
const MAX_SERVICES: usize = 10_000;

/// Names a publish in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct PublishId(pub(super) u64);

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
pub(super) struct InFlight {
    pub(super) notification: Notification,
    pub(super) identity: Identity,
    /// The adapter's number for it, under the server's identity.
    pub(super) number: Option<u64>,
    pub(super) sent_at: Timestamp,
    pub(super) due: Key,
    /// The stream was cut while the adapter had it: its outcome may be lost.
    pub(super) cut: bool,
}

/// What is known of a push service.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) waiting: Queue,
    pub(super) in_flight: usize,
    /// Nothing is sent to it for a moment: an adapter had no room.
    pub(super) paused: bool,
    /// The identity it last accepted a publish under, by host.
    pub(super) accepted: Vec<(usize, Identity)>,
}

/// All publishes.
#[derive(Debug)]
pub(super) struct Publishes {
    pub(super) services: SeededMap<BareJid, Service>,
    pub(super) in_flight: SeededMap<PublishId, InFlight>,
    /// Own publishes by IQ id.
    pub(super) own: SeededMap<String, PublishId>,
    /// Which publish in flight tells a registration of a message.
    pub(super) telling: SeededMap<Mark, PublishId>,
    pub(super) waiting: usize,
    pub(super) drawn: u64,
    pub(super) hash: Seeded,
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

    pub(super) fn service(&mut self, service: &BareJid) -> &mut Service {
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
