//! Registrations with a delivery in flight.

use crate::ids::{ServiceKey, Slot};
use std::collections::BTreeMap;

/// The registrations with a delivery in flight, and at which push service.
#[derive(Debug, Default)]
pub(super) struct Busy(BTreeMap<Slot, ServiceKey>);

impl Busy {
    pub(super) fn insert(&mut self, slot: Slot, service: ServiceKey) {
        self.0.insert(slot, service);
    }

    pub(super) fn remove(&mut self, slot: Slot) {
        self.0.remove(&slot);
    }

    pub(super) fn contains(&self, slot: Slot) -> bool {
        self.0.contains_key(&slot)
    }

    /// Returns whether a push service has a delivery of this user.
    pub(super) fn serves(&self, owner: u64, service: ServiceKey) -> bool {
        let mut of_owner = self.0.range(Slot::of_owner(owner));
        of_owner.any(|(_, of)| *of == service)
    }
}
