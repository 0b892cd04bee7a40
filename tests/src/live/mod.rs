//! Real servers and real clients for the live tests.
//!
//! | Module | What it starts |
//! |---|---|
//! | [`prosody`], [`ejabberd`] | a server from a typed configuration, of this machine or of a folder made by `scripts/test-servers` |
//! | [`puppet`] | client sessions, played by a library that nobody here wrote |
//! | [`proxy`] | a connection that can be cut, frozen and counted |
//! | [`process`] | any child process: dies with its parent, keeps its output |
//! | [`service`] | the `xmpp-push` binary under test |
//! | [`push_service`] | a push service that remembers what it got and answers as it is told |
//! | [`stage`] | a slot with a service and a push service, ready for a test |
//! | [`slot`] | the names a test may use on a server it shares with others |
//!
//! Starting a server takes seconds, so tests share one and each leases a [`slot::Slot`] of it. Nothing here depends on
//! the runtime of the test that started it: a server outlives that test.

pub mod ejabberd;
pub mod home;
pub mod ports;
pub mod process;
pub mod prosody;
pub mod proxy;
pub mod puppet;
pub mod push_service;
pub mod service;
pub mod slot;
pub mod stage;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What the kit returns.
pub type Result<T> = std::result::Result<T, Failure>;

/// Why a part of the kit failed, ready to be read: a test that fails prints it as it is.
pub struct Failure(String);

impl Failure {
    /// A failure with this explanation.
    pub fn new(explanation: impl Into<String>) -> Self {
        Self(explanation.into())
    }

    /// Something that `scripts/install` would have installed is not there.
    pub(crate) fn missing(what: impl fmt::Display) -> Self {
        Self(format!("{what} is missing; run scripts/install test"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The same as [`fmt::Display`]: the test harness prints a returned error by its `Debug`.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failure {}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

/// Adds to an error what was being done.
pub(crate) trait Context<T> {
    fn context(self, doing: impl fmt::Display) -> Result<T>;
}

impl<T, E: fmt::Display> Context<T> for std::result::Result<T, E> {
    fn context(self, doing: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Failure(format!("{doing}: {error}")))
    }
}

/// The folder of the repository: this crate is one of its sub-folders.
#[must_use]
pub fn repository() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_path_buf()
}

/// The folder of another Debian release to run the servers of, as `scripts/test-servers` sets it.
pub fn server_root() -> Option<PathBuf> {
    std::env::var_os("XMPP_PUSH_SERVER_ROOT").map(PathBuf::from)
}
