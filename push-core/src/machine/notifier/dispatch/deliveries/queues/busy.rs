//! Registrations with a delivery in flight.

use crate::ids::{ServiceKey, Slot};
use std::collections::BTreeMap;

/// The registrations with a delivery in flight, at which push service, and whether that has proved nothing.
#[derive(Debug, Default)]
pub(super) struct Busy(BTreeMap<Slot, (ServiceKey, bool)>);

impl Busy {
    pub(super) fn insert(&mut self, slot: Slot, service: ServiceKey, is_unproven: bool) {
        self.0.insert(slot, (service, is_unproven));
    }

    pub(super) fn remove(&mut self, slot: Slot) {
        self.0.remove(&slot);
    }

    pub(super) fn contains(&self, slot: Slot) -> bool {
        self.0.contains_key(&slot)
    }

    /// Returns whether a user has what they may have in flight at a push service that has proved nothing: one there, or `most` at all such
    /// push services.
    pub(super) fn is_served(&self, owner: u64, service: ServiceKey, most: usize) -> bool {
        let of_owner = self.0.range(Slot::of_owner(owner));
        let unproven = of_owner.filter(|(_, (_, is_unproven))| *is_unproven);
        self.is_at(owner, service) || unproven.count() >= most
    }

    /// Returns whether a user has one in flight at a push service.
    pub(super) fn is_at(&self, owner: u64, service: ServiceKey) -> bool {
        let mut of_owner = self.0.range(Slot::of_owner(owner));
        of_owner.any(|(_, (of, _))| *of == service)
    }
}
