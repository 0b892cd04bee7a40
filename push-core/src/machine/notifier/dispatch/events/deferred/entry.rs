//! One deferred event.

use crate::Timestamp;
use crate::ids::{HostId, ServiceKey, Slot};
use crate::link::{Recipient, RecipientId};
use crate::machine::deadlines::Key;
use crate::machine::values::{Attempts, Parked, Retry, add_keys};
use std::collections::BTreeSet;
use std::time::Duration;

/// Deliveries that are due so soon are made together with those that are due now.
const TOGETHER: Duration = Duration::from_secs(1);

/// The deliveries that an event waits for, all of one user.
#[derive(Debug)]
pub(super) struct Entry {
    owner: u64,
    parked: Vec<Parked>,
    /// The push service that its adapter was asked on behalf of, and its deadline.
    asked_for: Option<(ServiceKey, Key)>,
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
    pub(super) fn expires_at(&self) -> Timestamp {
        let each = self.parked.iter().map(|parked| parked.expires_at);
        each.max().unwrap_or_default()
    }

    /// Returns the push service that its adapter was asked on behalf of, and its deadline.
    pub(super) fn asked_for(&self) -> Option<(ServiceKey, Key)> {
        self.asked_for
    }

    /// Its adapter is asked for it on behalf of a push service, and has until this deadline to tell it.
    pub(super) fn ask(&mut self, service: ServiceKey, deadline: Key) {
        self.asked_for = Some((service, deadline));
    }

    /// Its adapter is not waited for any more. Returns on whose behalf it was asked, and its deadline.
    pub(super) fn ask_no_more(&mut self) -> Option<(ServiceKey, Key)> {
        self.asked_for.take()
    }

    /// Returns whether some of it waits for the end of another delivery of its user.
    pub(super) fn is_behind(&self) -> bool {
        self.parked.iter().any(|parked| parked.attempts.is_behind)
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
    pub(super) fn hasten(&mut self, now: Timestamp, is_meant: impl Fn(&Parked) -> bool) {
        let meant = self.parked.iter_mut().filter(|parked| is_meant(parked));
        meant.for_each(|parked| parked.attempts.hasten(now));
    }

    /// Takes off what is meant.
    pub(super) fn take_off(&mut self, is_meant: impl Fn(&Parked) -> bool) -> Vec<Parked> {
        let taken = self.parked.extract_if(.., |parked| is_meant(parked));
        taken.collect()
    }

    /// Returns for whom it is, as its adapter is told.
    pub(super) fn recipients(&self) -> Vec<Recipient> {
        let registrations = self.parked.iter().map(|parked| parked.registration.clone());
        registrations.map(Recipient::new).collect()
    }

    /// Returns what is known of it when it is told again, by the adapter of this host.
    pub(super) fn into_retry(self, now: Timestamp, host: HostId) -> Retry {
        let asked_for = self.asked_for.map(|(service, _)| (host, service));
        let recipient = |parked: &Parked| {
            let id = RecipientId::of(&parked.registration.target);
            let not_before = parked.attempts.not_before;
            let is_due = not_before <= now.after(TOGETHER);
            let attempts = Attempts {
                not_before: if is_due { now } else { not_before },
                ..parked.attempts
            };
            (id, attempts)
        };
        Retry {
            recipients: Some(self.parked.iter().map(recipient).collect()),
            asked_for: asked_for.into_iter().collect(),
            trace: self.parked.first().map(|parked| parked.trace),
        }
    }
}
