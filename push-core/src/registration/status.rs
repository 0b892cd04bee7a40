//! How a registration fares.

use crate::Timestamp;

const DAY_MILLIS: u64 = 24 * 60 * 60 * 1000;

/// How a registration fares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Nothing is known against it.
    #[default]
    Active,
    /// Its push service refuses, or cannot be reached. It is told of everything all the same.
    Failing(Trouble),
    /// Its push service has refused for days. It gets one delivery a day.
    Quarantined(Trouble),
}

/// The reason why a registration does not fare well: since its push service last accepted a delivery, it has refused some or
/// could not be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// When the first of them was. Later than that by the time in which the push service could not be judged.
    pub since: Timestamp,
    /// When the last of them was that was written down.
    pub last: Timestamp,
    /// On how many days they were, by UTC.
    pub days: u32,
    /// How often the push service refused; 0 when it could not be reached.
    pub refusals: u32,
}

impl Status {
    /// The word operators and stores know the status by.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Failing(_) => "failing",
            Self::Quarantined(_) => "quarantined",
        }
    }

    /// Returns why it is not active.
    pub const fn trouble(self) -> Option<Trouble> {
        match self {
            Self::Active => None,
            Self::Failing(trouble) | Self::Quarantined(trouble) => Some(trouble),
        }
    }
}

impl Trouble {
    /// Returns the first refusal.
    pub(super) const fn refusal(at: Timestamp) -> Self {
        Self {
            since: at,
            last: at,
            days: 1,
            refusals: 1,
        }
    }

    /// Returns the first time that a push service could not be reached.
    pub(super) const fn unreachable(at: Timestamp) -> Self {
        Self {
            refusals: 0,
            ..Self::refusal(at)
        }
    }

    /// Returns whether the push service could not be reached.
    pub(super) const fn is_unreachable(self) -> bool {
        self.refusals == 0
    }

    /// Returns whether `at` is on another day than the last.
    pub(super) const fn is_new_day(self, at: Timestamp) -> bool {
        at.as_millis() / DAY_MILLIS > self.last.as_millis() / DAY_MILLIS
    }

    /// Returns the trouble with what happened at `at`.
    pub(super) const fn again(self, at: Timestamp) -> Self {
        let days = self.days.saturating_add(self.is_new_day(at) as u32);
        Self {
            days,
            last: at,
            ..self
        }
    }
}
