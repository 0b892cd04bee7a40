//! A time in a column: Unix milliseconds.

use super::error::RowError;
use crate::Timestamp;

pub(super) fn millis(at: Timestamp) -> i64 {
    i64::try_from(at.as_millis()).unwrap_or(i64::MAX)
}

pub(super) fn timestamp(millis: i64, column: &'static str) -> Result<Timestamp, RowError> {
    u64::try_from(millis)
        .map(Timestamp::from_millis)
        .map_err(|_| RowError::Column { column })
}
