//! A status in columns.

use super::error::RowError;
use super::time::{millis, timestamp};
use crate::registration::{Status, Trouble};

/// A status in columns, so that it is changed without reading the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusColumns {
    /// [`Status::as_str`]
    pub status: String,
    /// [`Trouble::refusals`]; 0 when active.
    pub refusals: i32,
    /// [`Trouble::days`]; 0 when active.
    pub days: i32,
    /// [`Trouble::since`], Unix milliseconds; 0 when active.
    pub since: i64,
    /// [`Trouble::last`], Unix milliseconds; 0 when active.
    pub last: i64,
}

impl From<Status> for StatusColumns {
    fn from(status: Status) -> Self {
        let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let trouble = status.trouble();
        Self {
            status: status.as_str().to_owned(),
            refusals: trouble.map_or(0, |trouble| number(trouble.refusals)),
            days: trouble.map_or(0, |trouble| number(trouble.days)),
            since: trouble.map_or(0, |trouble| millis(trouble.since)),
            last: trouble.map_or(0, |trouble| millis(trouble.last)),
        }
    }
}

impl TryFrom<StatusColumns> for Status {
    type Error = RowError;

    fn try_from(columns: StatusColumns) -> Result<Self, RowError> {
        let number =
            |number, column| u32::try_from(number).map_err(|_| RowError::Column { column });
        let trouble = || {
            Ok(Trouble {
                refusals: number(columns.refusals, "refusals")?,
                days: number(columns.days, "days")?,
                since: timestamp(columns.since, "since")?,
                last: timestamp(columns.last, "last")?,
            })
        };
        match columns.status.as_str() {
            "active" => Ok(Self::Active),
            "failing" => trouble().map(Self::Failing),
            "quarantined" => trouble().map(Self::Quarantined),
            _ => Err(RowError::Column { column: "status" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    fn trouble() -> Trouble {
        Trouble {
            since: Timestamp::from_millis(1_790_000_000_000),
            last: Timestamp::from_millis(1_790_000_000_001),
            days: 2,
            refusals: 3,
        }
    }

    #[test]
    fn every_status_reads_back() {
        for status in [
            Status::Active,
            Status::Failing(trouble()),
            Status::Quarantined(trouble()),
        ] {
            assert_eq!(Status::try_from(StatusColumns::from(status)), Ok(status));
        }
    }

    #[test]
    fn a_number_below_nothing_is_named() {
        let columns = StatusColumns::from(Status::Failing(trouble()));
        let refusals = StatusColumns {
            refusals: -1,
            ..columns.clone()
        };
        let days = StatusColumns {
            days: -1,
            ..columns.clone()
        };
        let since = StatusColumns {
            since: -1,
            ..columns.clone()
        };
        let last = StatusColumns {
            last: -1,
            ..columns
        };
        for (columns, column) in [
            (refusals, "refusals"),
            (days, "days"),
            (since, "since"),
            (last, "last"),
        ] {
            assert_eq!(Status::try_from(columns), Err(RowError::Column { column }));
        }
    }
}
