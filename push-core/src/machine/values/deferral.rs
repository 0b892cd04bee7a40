//! Deliveries that wait at the adapter for their push service (docs/protocol.md §3.4).

use super::key::MessageKey;
use crate::Timestamp;
use crate::ids::{EventHold, HostId, ServiceKey, Slot, TraceId};
use crate::link::RecipientId;
use crate::registration::Registration;
use std::sync::Arc;

/// How the attempts at a delivery have gone so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::machine) struct Attempts {
    /// How many have failed.
    pub(in crate::machine) failed: u32,
    /// When the next one may be made.
    pub(in crate::machine) not_before: Timestamp,
    /// It waits for the end of another delivery of its user.
    pub(in crate::machine) is_behind: bool,
}

impl Attempts {
    /// Returns the same, the next one not before then; `is_behind` if it waits for the end of another delivery of its user.
    pub(in crate::machine) fn not_before(self, at: Timestamp, is_behind: bool) -> Self {
        Self {
            not_before: self.not_before.max(at),
            is_behind,
            ..self
        }
    }

    /// Lets the next one be made at `now`.
    pub(in crate::machine) fn hasten(&mut self, now: Timestamp) {
        self.not_before = now.min(self.not_before);
        self.is_behind = false;
    }

    /// Returns those of two deliveries that are joined: the newer one waits as long as the older one.
    pub(in crate::machine) fn joined(self, newer: Self) -> Self {
        Self {
            failed: self.failed.max(newer.failed),
            not_before: self.not_before.max(newer.not_before),
            is_behind: self.is_behind && newer.is_behind,
        }
    }
}

/// One delivery that an event waits for at its adapter.
#[derive(Clone, Debug)]
pub(in crate::machine) struct Parked {
    /// Follows the oldest message it tells of.
    pub(in crate::machine) trace: TraceId,
    pub(in crate::machine) service: ServiceKey,
    pub(in crate::machine) slot: Slot,
    pub(in crate::machine) registration: Arc<Registration>,
    /// The messages it counts as told of.
    pub(in crate::machine) keys: Vec<MessageKey>,
    pub(in crate::machine) attempts: Attempts,
    pub(in crate::machine) expires_at: Timestamp,
}

/// Deliveries that a deferred event does not wait for any more.
#[derive(Debug)]
pub(in crate::machine) struct TakenOff {
    pub(in crate::machine) event: EventHold,
    pub(in crate::machine) parked: Vec<Parked>,
    /// It waits for nothing any more.
    pub(in crate::machine) is_over: bool,
}

/// An event that was deferred and is told again: for whom, and what is known of those deliveries.
#[derive(Clone, Debug, Default)]
pub(in crate::machine) struct Retry {
    /// Nobody else is told; `None` if it is for all whom it concerns.
    pub(in crate::machine) recipients: Option<Vec<(RecipientId, Attempts)>>,
    /// The push services that have asked for it, once for each event.
    pub(in crate::machine) asked_for: Vec<(HostId, ServiceKey)>,
    /// Follows the oldest message it tells of, if that is known.
    pub(in crate::machine) trace: Option<TraceId>,
}

impl Retry {
    /// Returns what is known of these recipients; nobody else is meant.
    pub(in crate::machine) fn only_for(self, recipients: Vec<RecipientId>) -> Self {
        let known = self.recipients.unwrap_or_default();
        let attempts = |id: &RecipientId| {
            let known = known.iter().find(|(of, _)| of == id);
            known.map_or(Attempts::default(), |(_, attempts)| *attempts)
        };
        let recipients = recipients.into_iter().map(|id| {
            let attempts = attempts(&id);
            (id, attempts)
        });
        Self {
            recipients: Some(recipients.collect()),
            ..self
        }
    }

    /// Returns how the attempts at the delivery to a registration have gone; none if it is not for that one.
    pub(in crate::machine) fn attempts(&self, registration: &Registration) -> Option<Attempts> {
        let Some(recipients) = &self.recipients else {
            return Some(Attempts::default());
        };
        let id = RecipientId::of(&registration.target);
        let mut recipients = recipients.iter();
        let found = recipients.find(|(recipient, _)| *recipient == id);
        found.map(|(_, attempts)| *attempts)
    }

    /// Returns whether both are for the same recipients.
    pub(in crate::machine) fn is_like(&self, other: &Self) -> bool {
        let ids = |retry: &Self| -> Vec<RecipientId> {
            let recipients = retry.recipients.iter().flatten();
            let mut ids: Vec<_> = recipients.map(|(id, _)| id.clone()).collect();
            ids.sort();
            ids
        };
        self.recipients.is_some() == other.recipients.is_some() && ids(self) == ids(other)
    }
}
