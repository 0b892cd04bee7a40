//! The settings of the store.

use push_core::StoreTimeouts;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Where the store is and how long to wait for it.
///
/// The time-outs are those of [`StoreTimeouts`], by default for calls of 10 s.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresConfig {
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with the parameters that [the crate](crate) names. Several
    /// `HOST:PORT`, with commas, are tried in turn; the first that takes writes is used.
    pub url: String,
    /// A file with the certificates of the authorities to trust (PEM), instead of the system's. The URL's
    /// `sslrootcert` says the same, and prevails.
    pub ca_file: Option<PathBuf>,
    /// How many connections are open at most. Default 8, which keeps a server of two cores busy.
    pub pool_size: usize,
    /// How long a call waits for a connection while all are in use. Default [`StoreTimeouts::pool_wait`].
    pub wait_timeout: Duration,
    /// How long connecting takes at most, TLS and password included. Default [`StoreTimeouts::connect`].
    pub connect_timeout: Duration,
    /// How long the server works on a statement, or waits for the next of a transaction. Default
    /// [`StoreTimeouts::statement`].
    pub statement_timeout: Duration,
    /// How long a statement waits for a row or table that somebody else has locked. Default [`StoreTimeouts::lock`].
    pub lock_timeout: Duration,
    /// How long what was sent may be on its way before the connection counts as lost, unless the URL's
    /// `tcp_user_timeout` says otherwise. Default [`StoreTimeouts::delivery`].
    pub delivery_timeout: Duration,
    /// How long a call takes at most, all of the above and what is tried again included. Default
    /// [`StoreTimeouts::store`].
    pub call_timeout: Duration,
    /// Whether older tables are brought to this program's version. Otherwise they are refused, for
    /// [`migrate`](crate::migrate()) to be run by somebody with the right to. Default true.
    pub auto_migrate: bool,
}

impl PostgresConfig {
    /// The store at `url`, everything else by default.
    pub fn new(url: impl Into<String>) -> Self {
        let timeouts = StoreTimeouts::default();
        Self {
            url: url.into(),
            ca_file: None,
            pool_size: 8,
            wait_timeout: timeouts.pool_wait(),
            connect_timeout: timeouts.connect(),
            statement_timeout: timeouts.statement(),
            lock_timeout: timeouts.lock(),
            delivery_timeout: timeouts.delivery(),
            call_timeout: timeouts.store(),
            auto_migrate: true,
        }
    }

    /// Returns this configuration with every time-out taken from `timeouts`.
    #[must_use]
    pub fn with_timeouts(self, timeouts: &StoreTimeouts) -> Self {
        Self {
            wait_timeout: timeouts.pool_wait(),
            connect_timeout: timeouts.connect(),
            statement_timeout: timeouts.statement(),
            lock_timeout: timeouts.lock(),
            delivery_timeout: timeouts.delivery(),
            call_timeout: timeouts.store(),
            ..self
        }
    }
}

/// Without the URL, which may hold a password.
impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig")
            .field("ca_file", &self.ca_file)
            .field("pool_size", &self.pool_size)
            .field("wait_timeout", &self.wait_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .field("lock_timeout", &self.lock_timeout)
            .field("delivery_timeout", &self.delivery_timeout)
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
        let config = PostgresConfig::new("postgres://push:hunter2@db.example.org/push");
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
