//! Why the program ends otherwise than well: the only place where errors become text for a person.

use crate::config::Problems;
use push_core::store::StoreError;
use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use thiserror::Error;

/// A failure of a command. Exit codes are those of sysexits.h.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// 78.
    #[error("the configuration cannot be used:\n{0}")]
    Config(Problems),
    /// 69.
    #[error("the store cannot be opened")]
    Store(#[source] StoreError),
    /// 69.
    #[error("another instance holds {0}; stop it first")]
    Running(String),
    /// 69: `check` has found something; it has said what.
    #[error("not everything is well")]
    Unhealthy,
    /// 70.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Config(_) => 78,
            Self::Store(_) | Self::Running(_) | Self::Unhealthy => 69,
            Self::Internal(_) => 70,
        }
    }

    /// Says it on standard error.
    pub(crate) fn report(self) -> ExitCode {
        let source = self
            .source()
            .map(|source| format!(": {source}"))
            .unwrap_or_default();
        // Nobody is left to be told when standard error is closed.
        drop(writeln!(std::io::stderr(), "xmpp-push: {self}{source}"));
        ExitCode::from(self.code())
    }
}
