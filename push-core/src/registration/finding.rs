//! From an outcome to a status: pure functions.

use super::status::{Status, Trouble};
use crate::Timestamp;
use crate::xep::error::DefinedCondition;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// When a registration that fares badly is quarantined and removed (docs/behaviour.md).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusPolicy {
    /// How long refusals must go on before a registration is quarantined. Default 3 days.
    pub quarantine_after: Duration,
    /// How long they must go on before it is removed. Default 14 days.
    pub remove_after: Duration,
    /// How many there must be at least before it is removed. Default 10.
    pub remove_refusals: usize,
    /// On how many days they, or the attempts to reach its push service, must be at least. Default 5.
    pub remove_days: usize,
    /// How long a push service must be unreachable before its registrations are removed. Default 60 days.
    pub unreachable_after: Duration,
    /// How many percent of the users of a push service may lose a registration within an hour; others are quarantined instead.
    /// Default 20.
    pub sudden_percent: usize,
    /// How many users that may be in any case, were they all of them. Default 5.
    pub sudden_users: usize,
}

impl Default for StatusPolicy {
    fn default() -> Self {
        Self {
            quarantine_after: 3 * DAY,
            remove_after: 14 * DAY,
            remove_refusals: 10,
            remove_days: 5,
            unreachable_after: 60 * DAY,
            sudden_percent: 20,
            sudden_users: 5,
        }
    }
}

/// The meaning of an outcome for a registration, with what is known of its push service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The push service accepted a delivery.
    Accepted,
    /// The push service answered, which says nothing more about the registration.
    Answered,
    /// The push service refused, while it accepted others.
    Refused {
        /// How.
        condition: DefinedCondition,
        /// When the push service could last not be judged; what lies before does not count as time in which it refused.
        doubted_at: Timestamp,
        /// It has refused too many at once.
        is_sudden: bool,
    },
    /// The push service said that there is no such registration.
    Over {
        /// How.
        condition: DefinedCondition,
        /// It has said so to too many at once.
        is_sudden: bool,
    },
    /// For a day, nobody could reach the push service.
    Unreachable {
        /// When somebody last did.
        reached_at: Timestamp,
    },
}

/// The consequence of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    Stays,
    /// The same with one more refusal of the same day, which is not written down.
    Counts(Status),
    /// This status is written down.
    Becomes(Status),
    /// The registration is removed.
    Ends,
}

impl Status {
    /// Returns what follows from what was found at `at`.
    pub fn next(self, finding: Finding, at: Timestamp, policy: &StatusPolicy) -> Next {
        match finding {
            Finding::Accepted if self == Self::Active => Next::Stays,
            Finding::Accepted => Next::Becomes(Self::Active),
            Finding::Answered => match self {
                Self::Failing(trouble) if trouble.is_unreachable() => Next::Becomes(Self::Active),
                _ => Next::Stays,
            },
            Finding::Over { is_sudden, .. } if is_sudden => self.suspected(at),
            Finding::Over { .. } => Next::Ends,
            Finding::Refused {
                doubted_at,
                is_sudden,
                ..
            } => match self.trouble().filter(|trouble| !trouble.is_unreachable()) {
                None => Next::Becomes(Self::Failing(Trouble::refusal(at))),
                Some(trouble) => self.refused(trouble.refused(at, doubted_at), is_sudden, policy),
            },
            Finding::Unreachable { reached_at } => self.unreachable(at, reached_at, policy),
        }
    }

    /// The push service ends so many registrations that it is not believed: this one is quarantined.
    fn suspected(self, at: Timestamp) -> Next {
        let trouble = self.trouble().filter(|trouble| !trouble.is_unreachable());
        let trouble = trouble.map_or(Trouble::refusal(at), |trouble| {
            trouble.refused(at, Timestamp::default())
        });
        self.changed(Self::Quarantined(trouble))
    }

    fn refused(self, now: Trouble, is_sudden: bool, policy: &StatusPolicy) -> Next {
        let time = now.last.since(now.since);
        if now.is_over(time, policy) && !is_sudden {
            return Next::Ends;
        }
        let stays_quarantined = matches!(self, Self::Quarantined(_));
        self.changed(if stays_quarantined || time >= policy.quarantine_after {
            Self::Quarantined(now)
        } else {
            Self::Failing(now)
        })
    }

    fn unreachable(self, at: Timestamp, reached_at: Timestamp, policy: &StatusPolicy) -> Next {
        let anew = Next::Becomes(Self::Failing(Trouble::unreachable(at)));
        let Some(trouble) = self.trouble() else {
            return anew;
        };
        if !trouble.is_unreachable() {
            // Its refusals are not forgotten in an outage.
            let is_old = at.since(trouble.last) >= policy.remove_after;
            return if is_old { anew } else { Next::Stays };
        }
        if trouble.last < reached_at {
            return anew;
        }
        let now = trouble.again(at);
        let is_over = now.days as usize >= policy.remove_days
            && at.since(now.since) >= policy.unreachable_after;
        match (is_over, trouble.is_new_day(at)) {
            (true, _) => Next::Ends,
            (_, true) => Next::Becomes(Self::Failing(now)),
            (_, false) => Next::Stays,
        }
    }

    /// Another word and another day are written down.
    fn changed(self, to: Self) -> Next {
        let days = |status: Self| status.trouble().map(|trouble| trouble.days);
        if self.as_str() == to.as_str() && days(self) == days(to) {
            Next::Counts(to)
        } else {
            Next::Becomes(to)
        }
    }
}

impl Trouble {
    /// Returns the trouble with one more refusal at `at`. If the push service was in doubt since the last one, the time between
    /// them does not count.
    fn refused(self, at: Timestamp, doubted_at: Timestamp) -> Self {
        let since = if self.last < doubted_at {
            self.since.after(at.since(self.last))
        } else {
            self.since
        };
        let refusals = self.refusals.saturating_add(1);
        Self {
            since,
            refusals,
            ..self.again(at)
        }
    }

    fn is_over(self, time: Duration, policy: &StatusPolicy) -> bool {
        time >= policy.remove_after
            && self.refusals as usize >= policy.remove_refusals
            && self.days as usize >= policy.remove_days
    }
}

#[cfg(test)]
mod tests;
