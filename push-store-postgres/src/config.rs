//! What can be set.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Where the store is and how long it is waited for.
///
/// The defaults fit a service that waits 10 s for a store question: a call has ended by itself before, and what the
/// server still does for it has ended as long after.
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
    /// How long a call waits for a connection while all are in use. Default 3 s.
    pub wait_timeout: Duration,
    /// How long connecting takes at most, TLS and password included. Default 4 s.
    pub connect_timeout: Duration,
    /// How long the server works on a statement, or waits for the next of a transaction. Default 5 s.
    pub statement_timeout: Duration,
    /// How long a statement waits for a row or table that somebody else has locked. Default 3 s.
    pub lock_timeout: Duration,
    /// How long a call takes at most, all of the above and what is tried again included. Default 9 s.
    pub call_timeout: Duration,
    /// Whether older tables are brought to this program's version. Otherwise they are refused, for
    /// [`migrate`](crate::migrate) to be run by somebody with the right to. Default true.
    pub auto_migrate: bool,
}

impl PostgresConfig {
    /// The store at `url`, everything else by default.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            ca_file: None,
            pool_size: 8,
            wait_timeout: Duration::from_secs(3),
            connect_timeout: Duration::from_secs(4),
            statement_timeout: Duration::from_secs(5),
            lock_timeout: Duration::from_secs(3),
            call_timeout: Duration::from_secs(9),
            auto_migrate: true,
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
