//! What can be set.

use std::fmt;
use std::time::Duration;

/// Where the store is and how long it is waited for.
///
/// The defaults fit a service that waits 10 s for a store question: a call has ended by itself before, and what the
/// server still does for it has ended as long after.
#[derive(Clone, PartialEq, Eq)]
pub struct MongoConfig {
    /// `mongodb://USER:PASSWORD@HOST:PORT,…/DATABASE?OPTIONS` or `mongodb+srv://…`, with the name of the database. What
    /// is set below, and where and how durably it is written, is not up to the options in it.
    pub uri: String,
    /// How many connections to each server are open at most. Default 16.
    pub pool_size: u32,
    /// How long a primary is looked for. Default 3 s; an election takes 2 s or more, so not less than that.
    pub selection_timeout: Duration,
    /// How long connecting takes at most. Default 3 s.
    pub connect_timeout: Duration,
    /// How long a call takes at most, waiting for a connection and what is tried again included; of a longer one, such
    /// as [`remove_domain`](push_core::store::RegistrationStore::remove_domain), each portion. Default 9 s.
    pub call_timeout: Duration,
    /// Whether collections and indexes are made, or brought to this program's version. Otherwise an older version is
    /// refused, for [`migrate`](crate::migrate) to be run by somebody with the right to. Default true.
    pub auto_migrate: bool,
}

impl MongoConfig {
    /// The store at `uri`, everything else by default.
    pub fn new(uri: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            pool_size: 16,
            selection_timeout: Duration::from_secs(3),
            connect_timeout: Duration::from_secs(3),
            call_timeout: Duration::from_secs(9),
            auto_migrate: true,
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
