//! Deliveries in flight: sent, and without an outcome.

use super::queue::QueueKey;
use crate::delivery::Route;
use crate::hash::{Seeded, SeededMap};
use crate::ids::{DeliveryId, EventHold, HostId};
use crate::machine::deadlines::{Deadlines, Key};
use crate::machine::values::{MessageKey, Queued, Sending};
use crate::registration::Target;
use crate::{Policy, Timestamp};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

/// How much longer than the adapter we wait, so that its word comes first.
const GRACE: Duration = Duration::from_secs(5);

/// All attempts without an outcome, with their time-outs.
#[derive(Debug)]
pub(super) struct Flights {
    by_id: BTreeMap<DeliveryId, Flight>,
    /// Which of them tells a registration, by the hash of its target, of a message, by the hash of its sender's id.
    telling: SeededMap<(u64, u64), DeliveryId>,
    timeouts: Deadlines<DeliveryId>,
    hash: Seeded,
}

/// One attempt at a delivery.
#[derive(Debug)]
pub(super) struct Flight {
    queue: QueueKey,
    queued: Queued,
    route: Route,
    sent_at: Timestamp,
    due: Key,
    /// The connection was lost while the adapter had it: the outcome may have been lost, too.
    is_cut: bool,
}

impl Flight {
    pub(super) fn queued(&self) -> &Queued {
        &self.queued
    }

    pub(super) fn route(&self) -> Route {
        self.route
    }

    pub(super) fn sent_at(&self) -> Timestamp {
        self.sent_at
    }

    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    pub(super) fn queue(&self) -> QueueKey {
        self.queue
    }

    pub(super) fn into_queued(self) -> Queued {
        self.queued
    }

    fn sending(&self, id: DeliveryId) -> Sending {
        Sending {
            id,
            delivery: self.queued.delivery.clone(),
            route: self.route,
        }
    }
}

impl Flights {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            by_id: BTreeMap::new(),
            telling: hash.map(),
            timeouts: Deadlines::new(),
            hash,
        }
    }

    /// Begins an attempt.
    pub(super) fn start(
        &mut self,
        now: Timestamp,
        id: DeliveryId,
        queue: QueueKey,
        route: Route,
        queued: Queued,
        policy: &Policy,
    ) -> Sending {
        let at = self.hash.hash(&queued.delivery.registration.target);
        for key in &queued.keys {
            self.telling.insert((at, key.sender), id);
        }
        let flight = Flight {
            queue,
            due: self.set_timeout(now, id, policy),
            sent_at: now,
            is_cut: false,
            route,
            queued,
        };
        let sending = flight.sending(id);
        self.by_id.insert(id, flight);
        sending
    }

    /// Ends an attempt.
    pub(super) fn take(&mut self, id: DeliveryId) -> Option<Flight> {
        let flight = self.by_id.remove(&id)?;
        self.timeouts.cancel(flight.due);
        let at = self.hash.hash(&flight.queued.delivery.registration.target);
        for key in &flight.queued.keys {
            let told = (at, key.sender);
            if self.telling.get(&told) == Some(&id) {
                self.telling.remove(&told);
            }
        }
        Some(flight)
    }

    pub(super) fn get(&self, id: DeliveryId) -> Option<&Flight> {
        self.by_id.get(&id)
    }

    /// Returns the attempts of a host.
    pub(super) fn of_host(&self, host: HostId) -> Vec<DeliveryId> {
        let flights = self.by_id.iter();
        let of_host = flights.filter(|(_, flight)| flight.queued.host == host);
        of_host.map(|(id, _)| *id).collect()
    }

    /// Makes `events` end with the attempts that tell a registration of these messages. Returns how many those are.
    pub(super) fn join(
        &mut self,
        target: &Target,
        keys: &[MessageKey],
        events: &[EventHold],
    ) -> usize {
        let at = self.hash.hash(target);
        let mut joined = 0;
        for key in keys {
            let id = self.telling.get(&(at, key.sender));
            if let Some(flight) = id.and_then(|id| self.by_id.get_mut(id)) {
                flight.queued.holds.extend(events);
                joined += 1;
            }
        }
        joined
    }

    /// Begins to wait for the outcome of an attempt anew.
    pub(super) fn again(
        &mut self,
        now: Timestamp,
        id: DeliveryId,
        policy: &Policy,
    ) -> Option<Sending> {
        let due = self.set_timeout(now, id, policy);
        let flight = self.by_id.get_mut(&id)?;
        self.timeouts
            .cancel(std::mem::replace(&mut flight.due, due));
        Some(flight.sending(id))
    }

    /// Begins anew to wait for the outcomes of all attempts by IQs of our own.
    pub(super) fn own_again(&mut self, now: Timestamp, policy: &Policy) -> Vec<Sending> {
        self.again_in(now, DeliveryId::Own(0)..=DeliveryId::Own(u64::MAX), policy)
    }

    /// Begins anew to wait for the outcomes of all attempts by a host's adapter, which has got those up to the number `got`.
    /// Returns the others.
    pub(super) fn adapter_again(
        &mut self,
        now: Timestamp,
        host: HostId,
        got: u64,
        policy: &Policy,
    ) -> Vec<Sending> {
        let of_host = DeliveryId::Adapter(host, 0)..=DeliveryId::Adapter(host, u64::MAX);
        let mut again = self.again_in(now, of_host, policy);
        again.retain(|sending| {
            let is_got = sending.id <= DeliveryId::Adapter(host, got);
            if let Some(flight) = self.by_id.get_mut(&sending.id) {
                flight.is_cut = is_got;
            }
            !is_got
        });
        again
    }

    fn again_in(
        &mut self,
        now: Timestamp,
        ids: RangeInclusive<DeliveryId>,
        policy: &Policy,
    ) -> Vec<Sending> {
        let ids: Vec<DeliveryId> = self.by_id.range(ids).map(|(id, _)| *id).collect();
        let again = ids.into_iter();
        again.filter_map(|id| self.again(now, id, policy)).collect()
    }

    fn set_timeout(&mut self, now: Timestamp, id: DeliveryId, policy: &Policy) -> Key {
        let grace = match id {
            DeliveryId::Adapter(..) => GRACE,
            DeliveryId::Own(_) => Duration::ZERO,
        };
        let due = now.after(policy.publish_timeout + grace);
        self.timeouts.set(due, id)
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.timeouts.next()
    }

    /// Returns an attempt whose time is over.
    pub(super) fn tick(&mut self, now: Timestamp) -> Option<DeliveryId> {
        self.timeouts.pop_due(now)
    }
}
