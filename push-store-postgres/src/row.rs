//! SQL rows as the core's, and what is to be written as columns.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer, Text};
use jid::BareJid;
use push_core::Registration;
use push_core::row::{Row, RowError, StatusColumns};
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
    failures: i32,
    #[diesel(sql_type = BigInt)]
    status_at: i64,
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
                failures: self.failures,
                status_at: self.status_at,
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
