//! The evidence about a push service in the end of a delivery.

use crate::delivery::DeliveryOutcome;
use crate::registration::Identity;

/// The end of a delivery, as far as it says how its push service fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Evidence {
    /// It accepted the delivery, under this identity.
    Accepted(Identity),
    /// The delivery of this user was refused for a reason that passes, or could not be delivered.
    Failed(u64),
    /// Nobody has answered the delivery of this user.
    Unanswered(u64),
    /// It has answered otherwise.
    Answered,
    /// Nothing: it was not asked.
    Nothing,
}

impl Evidence {
    /// Returns what the outcome of a delivery to `user` says; `passes` if another attempt may succeed.
    pub(in super::super) fn of(
        outcome: &DeliveryOutcome,
        identity: Identity,
        user: u64,
        passes: bool,
    ) -> Self {
        match outcome {
            DeliveryOutcome::Accepted => Self::Accepted(identity),
            DeliveryOutcome::NotSent(_) => Self::Nothing,
            DeliveryOutcome::TimedOut | DeliveryOutcome::Foreign => Self::Unanswered(user),
            DeliveryOutcome::Undeliverable(_) => Self::Failed(user),
            DeliveryOutcome::Refused(_) if passes => Self::Failed(user),
            DeliveryOutcome::Refused(_) => Self::Answered,
        }
    }

    /// Returns the user whose delivery has failed, if it has.
    pub(in super::super) fn vote(self) -> Option<u64> {
        match self {
            Self::Failed(user) | Self::Unanswered(user) => Some(user),
            Self::Accepted(_) | Self::Answered | Self::Nothing => None,
        }
    }
}
