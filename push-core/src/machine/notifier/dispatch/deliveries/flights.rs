//! Deliveries in flight: sent, and without an outcome.

use crate::delivery::Route;
use crate::hash::{Seeded, SeededMap};
use crate::ids::{DeliveryId, HostId};
use crate::machine::deadlines::{Deadlines, Key};
use crate::machine::values::{MessageKey, Pending, Place, Queued, Sending};
use crate::registration::{Registration, Target};
use crate::{Policy, Timestamp};
use jid::BareJid;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

/// How much longer than the adapter we wait, so that its word comes first.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// All attempts without an outcome, with their time-outs.
#[derive(Debug)]
pub(super) struct Flights {
    by_id: BTreeMap<DeliveryId, Flight>,
    /// (Hash of the target, the message's key by sender) → the attempt that carries this message to that target.
    telling: SeededMap<(u64, MessageKey), DeliveryId>,
    /// By the hash of the owner.
    by_owner: BTreeSet<(u64, DeliveryId)>,
    timeouts: Deadlines<DeliveryId>,
    hash: Seeded,
}

/// One attempt at a delivery.
#[derive(Debug)]
pub(super) struct Flight {
    place: Place,
    queued: Queued,
    sent_at: Timestamp,
    due: Key,
    /// The connection was lost while the adapter had it: the outcome may have been lost, too.
    is_cut: bool,
    /// The registration is gone: it is not sent again.
    is_gone: bool,
}

impl Flight {
    pub(super) fn queued(&self) -> &Queued {
        &self.queued
    }

    pub(super) fn route(&self) -> Route {
        self.place.route
    }

    pub(super) fn sent_at(&self) -> Timestamp {
        self.sent_at
    }

    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    pub(super) fn is_gone(&self) -> bool {
        self.is_gone
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    pub(super) fn into_queued(self) -> Queued {
        self.queued
    }

    fn sending(&self, id: DeliveryId) -> Sending {
        Sending {
            id,
            delivery: self.queued.delivery.clone(),
            route: self.place.route,
        }
    }
}

impl Flights {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            by_id: BTreeMap::new(),
            telling: hash.map(),
            by_owner: BTreeSet::new(),
            timeouts: Deadlines::new(),
            hash,
        }
    }

    /// Begins an attempt.
    pub(super) fn start(
        &mut self,
        now: Timestamp,
        id: DeliveryId,
        place: Place,
        queued: Queued,
        policy: &Policy,
    ) -> Sending {
        let at = self.hash.hash(&queued.delivery.registration.target);
        for key in &queued.keys {
            self.telling.insert((at, *key), id);
        }
        let flight = Flight {
            place,
            due: self.set_timeout(now, id, policy),
            sent_at: now,
            is_cut: false,
            is_gone: false,
            queued,
        };
        let sending = flight.sending(id);
        let owner = self.hash.hash(&flight.queued.delivery.owner);
        self.by_owner.insert((owner, id));
        self.by_id.insert(id, flight);
        sending
    }

    /// Ends an attempt.
    pub(super) fn take(&mut self, id: DeliveryId) -> Option<Flight> {
        let flight = self.by_id.remove(&id)?;
        self.timeouts.cancel(flight.due);
        let owner = self.hash.hash(&flight.queued.delivery.owner);
        self.by_owner.remove(&(owner, id));
        let at = self.hash.hash(&flight.queued.delivery.registration.target);
        for key in &flight.queued.keys {
            let told = (at, *key);
            if self.telling.get(&told) == Some(&id) {
                self.telling.remove(&told);
            }
        }
        Some(flight)
    }

    /// Keeps the attempts for those registrations of a user that are meant from being made once more.
    pub(super) fn void(&mut self, owner: &BareJid, is_meant: impl Fn(&Registration) -> bool) {
        let owner = self.hash.hash(owner);
        let least = DeliveryId::Adapter(HostId::new(0), 0);
        let of_owner = (owner, least)..=(owner, DeliveryId::Own(u64::MAX));
        for (_, id) in self.by_owner.range(of_owner) {
            if let Some(flight) = self.by_id.get_mut(id) {
                flight.is_gone |= is_meant(&flight.queued.delivery.registration);
            }
        }
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

    /// Attaches the events of `pending` to the attempts that carry its messages to a registration. Returns how many those are.
    pub(super) fn join(&mut self, target: &Target, pending: &Pending) -> usize {
        let at = self.hash.hash(target);
        let mut joined = 0;
        for key in &pending.keys {
            let id = self.telling.get(&(at, *key));
            if let Some(flight) = id.and_then(|id| self.by_id.get_mut(id)) {
                flight.queued.echoes.extend(&pending.holds);
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
                if !is_got {
                    // The link may die once more before the adapter has it.
                    flight.sent_at = now;
                }
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
