//! One deferred event.

use crate::Timestamp;
use crate::ids::{HostId, ServiceKey, Slot};
use crate::link::{Recipient, RecipientId};
use crate::machine::values::{Attempts, Parked, Retry, add_keys};
use crate::registration::Registration;
use std::collections::BTreeSet;
use std::time::Duration;

/// Deliveries that are due so soon are made together with those that are due now.
const TOGETHER: Duration = Duration::from_secs(1);

/// The deliveries that an event waits for, all of one user.
#[derive(Debug)]
pub(super) struct Entry {
    owner: u64,
    parked: Vec<Parked>,
    /// The push service that its adapter was asked on behalf of.
    asked_for: Option<ServiceKey>,
}

impl Entry {
    pub(super) fn new(parked: Vec<Parked>) -> Self {
        Self {
            owner: parked.first().map_or(0, |parked| parked.slot.owner),
            parked,
            asked_for: None,
        }
    }

    pub(super) fn owner(&self) -> u64 {
        self.owner
    }

    pub(super) fn parked(&self) -> &[Parked] {
        &self.parked
    }

    pub(super) fn into_parked(self) -> Vec<Parked> {
        self.parked
    }

    /// Returns the push services it waits for.
    pub(super) fn services(&self) -> BTreeSet<ServiceKey> {
        self.parked.iter().map(|parked| parked.service).collect()
    }

    /// Returns when nothing of it is worth telling any more.
    pub(super) fn expires_at(&self) -> Option<Timestamp> {
        let each = self.parked.iter().map(|parked| parked.expires_at);
        each.collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    pub(super) fn is_asked(&self) -> bool {
        self.asked_for.is_some()
    }

    /// Its adapter is asked for it on behalf of a push service.
    pub(super) fn ask(&mut self, service: ServiceKey) {
        self.asked_for = Some(service);
    }

    /// Its adapter may not have heard that it was asked. Returns on whose behalf that was.
    pub(super) fn ask_no_more(&mut self) -> Option<ServiceKey> {
        self.asked_for.take()
    }

    /// Returns whether it waits for the delivery to a registration.
    pub(super) fn is_for(&self, slot: Slot) -> bool {
        self.parked.iter().any(|parked| parked.slot == slot)
    }

    /// Returns whether it waits for the same deliveries.
    pub(super) fn is_like(&self, parked: &[Parked]) -> bool {
        let slots = |parked: &[Parked]| -> BTreeSet<Slot> {
            parked.iter().map(|parked| parked.slot).collect()
        };
        slots(&self.parked) == slots(parked)
    }

    /// Takes in a newer event for the same deliveries. They wait as long as that one, and end with the later.
    pub(super) fn join(&mut self, newer: Vec<Parked>) {
        for newer in newer {
            let mut known = self.parked.iter_mut();
            if let Some(known) = known.find(|known| known.slot == newer.slot) {
                known.attempts = Attempts {
                    failed: known.attempts.failed.max(newer.attempts.failed),
                    ..newer.attempts
                };
                add_keys(&mut known.keys, newer.keys);
                known.expires_at = known.expires_at.max(newer.expires_at);
                known.registration = newer.registration;
            }
        }
    }

    /// Lets what is meant be told at `now`.
    pub(super) fn release(&mut self, now: Timestamp, is_meant: impl Fn(&Parked) -> bool) {
        for parked in &mut self.parked {
            if is_meant(parked) {
                let attempts = &mut parked.attempts;
                attempts.not_before = attempts.not_before.min(now);
                attempts.is_behind = false;
            }
        }
    }

    /// Takes off the registrations that are meant.
    pub(super) fn take_off(&mut self, is_meant: impl Fn(&Registration) -> bool) -> Vec<Parked> {
        let taken = self
            .parked
            .extract_if(.., |parked| is_meant(&parked.registration));
        taken.collect()
    }

    /// Returns for whom it is, as its adapter is told.
    pub(super) fn recipients(&self) -> Vec<Recipient> {
        let registrations = self.parked.iter().map(|parked| parked.registration.clone());
        registrations.map(Recipient::new).collect()
    }

    /// Returns what is known of it when it is told again, by the adapter of this host.
    pub(super) fn into_retry(self, now: Timestamp, host: HostId) -> Retry {
        let recipient = |parked: &Parked| {
            let id = RecipientId::of(&parked.registration.target);
            let not_before = parked.attempts.not_before;
            let is_due = not_before <= now.after(TOGETHER);
            let attempts = Attempts {
                not_before: if is_due { now } else { not_before },
                is_behind: false,
                ..parked.attempts
            };
            (id, attempts)
        };
        Retry {
            recipients: Some(self.parked.iter().map(recipient).collect()),
            asked_for: self.asked_for.map(|of| (host, of)).into_iter().collect(),
        }
    }
}
