//! What starts and watches any real server, and what happens to a connection with it.
//!
//! | Module | What it has |
//! |---|---|
//! | [`process`] | any child process: dies with its parent, keeps its output |
//! | [`halt`] | a process and its children, stopped and killed as one |
//! | [`home`] | a folder of its own |
//! | [`ports`] | a port to listen on |
//! | [`proxy`] | a connection that can be cut, frozen and counted |
//! | [`usage`] | what a process has taken of the machine |
//! | [`venv`] | a program that `scripts/install` got from PyPI |
//!
//! Nothing here depends on the runtime of the test that started it: a server that tests share outlives that test.

pub mod halt;
pub mod home;
pub mod ports;
pub mod process;
pub mod proxy;
pub mod usage;
pub mod venv;

use push_core::store::StoreError;
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

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(error.to_string())
    }
}

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
