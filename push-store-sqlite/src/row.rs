//! SQL rows as the core's registrations.

use jid::BareJid;
use push_core::Registration;
use push_core::row::{Row, RowError, StatusColumns};
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
            failures: column(row, 4, "failures")?,
            status_at: column(row, 5, "status_at")?,
        },
        enabled_at: column(row, 6, "enabled_at")?,
        document: column(row, 7, "document")?,
    }
    .try_into()
}

/// Owner and registration in a row of [`PAGE`](crate::statement::PAGE).
pub(crate) fn entry(row: &rusqlite::Row<'_>) -> Result<(BareJid, Registration), RowError> {
    let owner: String = column(row, 8, "owner")?;
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

/// Counts the rows that cannot be read.
#[derive(Default)]
pub(crate) struct UnreadableRows {
    count: usize,
    first: Option<RowError>,
}

impl UnreadableRows {
    pub(crate) fn note<T>(&mut self, owner: &str, read: Result<T, RowError>) -> Option<T> {
        read.inspect_err(|error| {
            debug!(owner, %error, "left out a registration that cannot be read");
            self.count += 1;
            self.first.get_or_insert(*error);
        })
        .ok()
    }

    /// Logs what is wrong with the first of them, without its owner, and returns their number.
    pub(crate) fn log(self) -> usize {
        if let Some(first) = self.first {
            warn!(rows = self.count, %first, "left out registrations that cannot be read");
        }
        self.count
    }
}
