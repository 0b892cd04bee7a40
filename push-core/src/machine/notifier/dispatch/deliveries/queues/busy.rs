//! Registrations with a delivery in flight.

use crate::ids::{ServiceKey, Slot};
use std::collections::BTreeMap;

/// Deliveries of one user in flight at all push services together that have proved nothing.
const UNPROVEN: usize = 4;

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

    /// Returns whether a user has what they may have in flight at a push service that has proved nothing: one there, or a few at all such
    /// push services.
    pub(super) fn is_served(&self, owner: u64, service: ServiceKey) -> bool {
        let of_owner = self.0.range(Slot::of_owner(owner));
        let mut unproven = 0;
        for (_, (of, is_unproven)) in of_owner {
            if *of == service {
                return true;
            }
            unproven += usize::from(*is_unproven);
        }
        unproven >= UNPROVEN
    }
}
