//! Why the program ends otherwise than well: the only place where errors become text for a person.

use crate::config::Problems;
use push_core::store::StoreError;
use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
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
    /// 69.
    #[error("the store failed")]
    StoreFailed(#[source] StoreError),
    /// 65: an export; everything else is written.
    #[error("registrations that cannot be read and were left out: {0}")]
    Unreadable(u64),
    /// 65: an import; everything else is stored.
    #[error("lines that cannot be read and were left out: {0}")]
    BadLines(u64),
    /// 65.
    #[error("{name}, line {line}: {reason}")]
    Line {
        name: String,
        line: u64,
        reason: String,
    },
    /// 65.
    #[error("{name} is not complete: {reason}")]
    Incomplete { name: String, reason: &'static str },
    /// 74.
    #[error("{name} cannot be used")]
    File {
        name: String,
        #[source]
        error: io::Error,
    },
    /// 69: `check` has found something; it has said what.
    #[error("not everything is well")]
    Unhealthy,
    /// 70.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Failure {
    /// A file, by its name, that cannot be read or written.
    pub(crate) fn file(name: impl Display, error: io::Error) -> Self {
        let name = name.to_string();
        Self::File { name, error }
    }

    /// A line of a file, by its name, that is not what it should be.
    pub(crate) fn line(name: impl Display, line: u64, reason: impl Display) -> Self {
        let (name, reason) = (name.to_string(), reason.to_string());
        Self::Line { name, line, reason }
    }

    fn code(&self) -> u8 {
        match self {
            Self::Config(_) => 78,
            Self::Unreadable(_)
            | Self::BadLines(_)
            | Self::Line { .. }
            | Self::Incomplete { .. } => 65,
            Self::Store(_) | Self::StoreFailed(_) | Self::Running(_) | Self::Unhealthy => 69,
            Self::Internal(_) => 70,
            Self::File { .. } => 74,
        }
    }

    /// Says it on standard error.
    pub(crate) fn report(self) -> ExitCode {
        let source = self
            .source()
            .map(|source| format!(": {source}"))
            .unwrap_or_default();
        // Nobody is left to be told when standard error is closed.
        drop(writeln!(io::stderr(), "xmpp-push: {self}{source}"));
        ExitCode::from(self.code())
    }
}
