//! Errors of SQLite, in words that tell an operator what to do.

use crate::SqliteConfig;
use push_core::store::StoreError;
use rusqlite::ErrorCode as Code;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Turns errors of one file into the store's.
#[derive(Clone, Debug)]
pub(crate) struct ErrorMapper {
    path: PathBuf,
    busy_timeout: Duration,
}

impl ErrorMapper {
    pub(crate) fn new(config: &SqliteConfig) -> Self {
        Self {
            path: config.path.clone(),
            busy_timeout: config.busy_timeout,
        }
    }

    /// The error of a statement. SQLite's own texts name tables and columns, never values.
    pub(crate) fn error(&self, error: &rusqlite::Error) -> StoreError {
        let path = self.path.display();
        match error.sqlite_error_code() {
            _ if is_busy(error) => unavailable(format!(
                "{path} is locked by another program (a shell with an open transaction, a backup); gave up after {:?}",
                self.busy_timeout
            )),
            Some(Code::DiskFull) => {
                unavailable(format!("the disk of {path} is full: make room on it"))
            }
            Some(Code::SystemIoFailure) => unavailable(format!(
                "reading or writing {path} failed (SQLite code {}): look at the disk and the system's log",
                extended(error)
            )),
            Some(
                Code::OutOfMemory
                | Code::OperationInterrupted
                | Code::SchemaChanged
                | Code::FileLockingProtocolFailed,
            ) => unavailable(format!("{path}: {error}")),
            Some(Code::ReadOnly) => read_only(&self.path),
            Some(Code::CannotOpen | Code::PermissionDenied) => refused(format!(
                "{path} cannot be opened: this user must be allowed to read and write it, and to create files beside it"
            )),
            Some(Code::NotADatabase) => corrupt(format!(
                "{path} is not an SQLite database: name another file, or restore a backup"
            )),
            Some(Code::DatabaseCorrupt) => corrupt(format!(
                "{path} is damaged (SQLite code {}): stop the service, then restore a backup or salvage what \
                 `sqlite3 FILE .recover` finds",
                extended(error)
            )),
            _ => refused(format!("{path}: {error}")),
        }
    }
}

/// Whether somebody else's lock is in the way.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(Code::DatabaseBusy | Code::DatabaseLocked)
    )
}

fn extended(error: &rusqlite::Error) -> i32 {
    error.sqlite_error().map_or(0, |code| code.extended_code)
}

pub(crate) fn read_only(path: &Path) -> StoreError {
    refused(format!(
        "{} is read-only for this user: check the owner and mode of the file and its folder, and how the disk is mounted",
        path.display()
    ))
}

pub(crate) fn unavailable(reason: impl Into<String>) -> StoreError {
    StoreError::Unavailable {
        reason: reason.into(),
    }
}

pub(crate) fn refused(reason: impl Into<String>) -> StoreError {
    StoreError::Refused {
        reason: reason.into(),
    }
}

pub(crate) fn wrong_version(reason: impl Into<String>) -> StoreError {
    StoreError::WrongVersion {
        reason: reason.into(),
    }
}

pub(crate) fn corrupt(reason: impl Into<String>) -> StoreError {
    StoreError::Corrupt {
        reason: reason.into(),
    }
}
