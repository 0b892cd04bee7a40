//! The settings of the store.

use push_core::StoreTimeouts;
use std::path::PathBuf;
use std::time::Duration;

/// Where the store is and what it may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteConfig {
    /// The file; its folder must exist. Relative to the process's folder.
    pub path: PathBuf,
    /// How long a batch waits while another program holds the lock. Default [`StoreTimeouts::lock`]: a call that has to
    /// sit through two of these is still answered within [`StoreTimeouts::store`].
    pub busy_timeout: Duration,
    /// How many calls may wait for each of the writer and the reader; a further one is answered `Unavailable`.
    /// Default 1024. A call holds at most 512 owners or changes: longer ones are split and queue up part by part.
    pub queue: usize,
    /// Whether a file of an earlier version is brought up to date when it is opened, and a new one is set up. Default yes;
    /// otherwise [`migrate`](crate::migrate()) must have been called.
    pub auto_migrate: bool,
    /// Page cache of each of the two connections, in bytes. Default 16 MiB; the system caches the file besides.
    pub cache: usize,
}

impl SqliteConfig {
    /// The store in `path`, everything else by default.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            busy_timeout: StoreTimeouts::default().lock(),
            queue: 1024,
            auto_migrate: true,
            cache: 16 << 20,
        }
    }

    /// Returns this configuration with every time-out taken from `timeouts`.
    #[must_use]
    pub fn with_timeouts(self, timeouts: &StoreTimeouts) -> Self {
        Self {
            busy_timeout: timeouts.lock(),
            ..self
        }
    }
}
