//! The file as the file system knows it.
//!
//! An existing file is looked at, never opened here: closing any descriptor of it would drop the locks that SQLite
//! holds on it for the whole process (<https://sqlite.org/howtocorrupt.html>, 2.2).

use crate::error::{read_only, refused, unavailable};
use push_core::store::StoreError;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The absolute path of the file, which exists afterwards.
///
/// Absolute also because SQLite has names with a meaning of their own, such as `:memory:`.
pub(crate) fn prepare(path: &Path) -> Result<PathBuf, StoreError> {
    let path = std::path::absolute(path)
        .map_err(|error| refused(format!("the path {}: {error}", path.display())))?;
    match fs::metadata(&path) {
        Ok(found) if found.is_file() => Ok(path),
        Ok(_) => Err(refused(format!(
            "{} is not a file: name a file in that folder",
            path.display()
        ))),
        Err(error) if error.kind() == ErrorKind::NotFound => create(path),
        Err(error) => Err(explain(&path, &error)),
    }
}

fn create(path: PathBuf) -> Result<PathBuf, StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    // SQLite gives the log beside it the same mode.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(&path) {
        Ok(_) => Ok(path),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(path),
        Err(error) => Err(explain(&path, &error)),
    }
}

fn explain(path: &Path, error: &io::Error) -> StoreError {
    let folder = path.parent().unwrap_or(path).display();
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => refused(format!(
            "there is no folder {folder}: create it, owned by this user"
        )),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => read_only(path),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            unavailable(format!("the disk of {folder} is full: make room on it"))
        }
        _ => unavailable(format!("{}: {error}", path.display())),
    }
}

/// Which file a path led to when the store was opened.
///
/// SQLite goes on writing into a file that was moved or deleted; what it acknowledges would be gone after a restart.
#[derive(Debug)]
pub(crate) struct Watch {
    path: PathBuf,
    opened: Option<Identity>,
}

type Identity = (u64, u64);

impl Watch {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            opened: identity(path),
        }
    }

    /// Whether the path leads elsewhere now. Costs one `stat`.
    pub(crate) fn has_moved(&self) -> bool {
        identity(&self.path) != self.opened
    }

    /// Returns the error to answer with then.
    pub(crate) fn error(&self) -> StoreError {
        unavailable(format!(
            "{} was moved, replaced or deleted while in use: put it back, or restart the service to use what is there now",
            self.path.display()
        ))
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    let found = fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

/// Elsewhere a file in use cannot be moved.
#[cfg(not(unix))]
fn identity(_: &Path) -> Option<Identity> {
    None
}
