//! SQL rows as the core's registrations.

use jid::BareJid;
use push_core::Registration;
use push_core::row::{Row, RowError, StatusColumns, UnreadableRows};
use tracing::{debug, warn};

/// Owner, service and node, as they are stored.
pub(crate) type Key = (String, String, String);

/// The registration in a row of [`LOAD`](crate::statement::LOAD) or [`PAGE`](crate::statement::PAGE).
pub(crate) fn registration(row: &rusqlite::Row<'_>) -> Result<Registration, RowError> {
    Row {
        service: column(row, 0, "service")?,
        node: column(row, 1, "node")?,
        revision: column(row, 2, "revision")?,
        status: StatusColumns {
            status: column(row, 3, "status")?,
            refusals: column(row, 4, "refusals")?,
            days: column(row, 5, "days")?,
            since: column(row, 6, "since")?,
            last: column(row, 7, "last")?,
        },
        enabled_at: column(row, 8, "enabled_at")?,
        document: column(row, 9, "document")?,
    }
    .try_into()
}

/// Owner and registration in a row of [`PAGE`](crate::statement::PAGE).
pub(crate) fn entry(row: &rusqlite::Row<'_>) -> Result<(BareJid, Registration), RowError> {
    let owner: String = column(row, 10, "owner")?;
    let owner = BareJid::new(&owner).map_err(|_| RowError::Column { column: "owner" })?;
    Ok((owner, registration(row)?))
}

/// STRICT tables hold the right types, but text need not be UTF-8.
fn column<T: rusqlite::types::FromSql>(
    row: &rusqlite::Row<'_>,
    index: usize,
    column: &'static str,
) -> Result<T, RowError> {
    row.get(index).map_err(|_| RowError::Column { column })
}

/// Returns what was read; an owner's registration that cannot be read is counted, and named at `debug`.
pub(crate) fn noted<T>(
    unreadable: &mut UnreadableRows,
    owner: &str,
    read: Result<T, RowError>,
) -> Option<T> {
    unreadable.note(
        read,
        |error| debug!(owner, %error, "left out a registration that cannot be read"),
    )
}

/// Logs how many registrations cannot be read, without their owners, and returns the number.
pub(crate) fn logged(unreadable: UnreadableRows) -> usize {
    unreadable
        .finish(|rows, first| warn!(rows, %first, "left out registrations that cannot be read"))
}
