//! SQL rows as the core's, and what is to be written as columns.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer, Text};
use jid::BareJid;
use push_core::Registration;
use push_core::row::{Row, RowError, StatusColumns, UnreadableRows};
use tracing::{debug, warn};

/// A row of a registration.
#[derive(QueryableByName)]
pub(crate) struct Found {
    /// Which of the owners asked for has it, from 1.
    #[diesel(sql_type = BigInt)]
    pub(crate) ordinal: i64,
    #[diesel(sql_type = Text)]
    pub(crate) owner: String,
    #[diesel(sql_type = Text)]
    service: String,
    #[diesel(sql_type = Text)]
    node: String,
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Integer)]
    refusals: i32,
    #[diesel(sql_type = Integer)]
    days: i32,
    #[diesel(sql_type = BigInt)]
    since: i64,
    #[diesel(sql_type = BigInt)]
    last: i64,
    #[diesel(sql_type = BigInt)]
    enabled_at: i64,
    #[diesel(sql_type = Text)]
    document: String,
}

/// Owner, service and node, as they are stored.
pub(crate) type Key = (String, String, String);

impl Found {
    pub(crate) fn key(&self) -> Key {
        (self.owner.clone(), self.service.clone(), self.node.clone())
    }

    pub(crate) fn registration(self) -> Result<Registration, RowError> {
        Row {
            service: self.service,
            node: self.node,
            revision: self.revision,
            status: StatusColumns {
                status: self.status,
                refusals: self.refusals,
                days: self.days,
                since: self.since,
                last: self.last,
            },
            enabled_at: self.enabled_at,
            document: self.document,
        }
        .try_into()
    }

    pub(crate) fn entry(self) -> Result<(BareJid, Registration), RowError> {
        let owner = BareJid::new(&self.owner).map_err(|_| RowError::Column { column: "owner" })?;
        Ok((owner, self.registration()?))
    }
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
