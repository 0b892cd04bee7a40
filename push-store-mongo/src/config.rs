//! The settings of the store.

use push_core::StoreTimeouts;
use std::fmt;
use std::time::Duration;

/// Where the store is and how long to wait for it.
///
/// The time-outs are those of [`StoreTimeouts`], by default for calls of 10 s.
#[derive(Clone, PartialEq, Eq)]
pub struct MongoConfig {
    /// `mongodb://USER:PASSWORD@HOST:PORT,…/DATABASE?OPTIONS` or `mongodb+srv://…`, with the name of the database. What
    /// is set below, and where and how durably it is written, is not up to the options in it.
    pub uri: String,
    /// How many connections to each server are open at most. Default 16.
    pub pool_size: u32,
    /// How long to look for a primary. Default [`StoreTimeouts::pool_wait`]; an election takes 2 s or more, so not less than that.
    pub selection_timeout: Duration,
    /// How long connecting takes at most. Default [`StoreTimeouts::connect`].
    pub connect_timeout: Duration,
    /// How long the server works on one command that writes. Default [`StoreTimeouts::statement`].
    pub statement_timeout: Duration,
    /// How long a call takes at most, waiting for a connection and what is tried again included; of a longer one, such
    /// as [`remove_domain`](push_core::store::RegistrationStore::remove_domain), each portion. Default
    /// [`StoreTimeouts::store`].
    pub call_timeout: Duration,
    /// Whether collections and indexes are made, or brought to this program's version. Otherwise an older version is
    /// refused, for [`migrate`](crate::migrate()) to be run by somebody with the right to. Default true.
    pub auto_migrate: bool,
}

impl MongoConfig {
    /// The store at `uri`, everything else by default.
    pub fn new(uri: impl Into<String>) -> Self {
        let timeouts = StoreTimeouts::default();
        Self {
            uri: uri.into(),
            pool_size: 16,
            selection_timeout: timeouts.pool_wait(),
            connect_timeout: timeouts.connect(),
            statement_timeout: timeouts.statement(),
            call_timeout: timeouts.store(),
            auto_migrate: true,
        }
    }

    /// Returns this configuration with every time-out taken from `timeouts`.
    #[must_use]
    pub fn with_timeouts(self, timeouts: &StoreTimeouts) -> Self {
        Self {
            selection_timeout: timeouts.pool_wait(),
            connect_timeout: timeouts.connect(),
            statement_timeout: timeouts.statement(),
            call_timeout: timeouts.store(),
            ..self
        }
    }
}

/// Without the URI, which may hold a password.
impl fmt::Debug for MongoConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoConfig")
            .field("pool_size", &self.pool_size)
            .field("selection_timeout", &self.selection_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .field("call_timeout", &self.call_timeout)
            .field("auto_migrate", &self.auto_migrate)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_password() {
        let config = MongoConfig::new("mongodb://push:hunter2@db.example.org/push");
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
