//! Leases on one machine: a locked file each.

use crate::error::{refused, unavailable};
use crate::file::Watch;
use async_trait::async_trait;
use push_core::lease::{Claim, Fence, LeaseStore};
use push_core::store::StoreError;
use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Leases for the instances that share one database file.
///
/// A lease is a lock on a file beside the database, which the system gives back when its holder ends, however it does: it
/// does not run out before, whatever the duration, and there is no waiting after. A holder that hangs keeps it.
/// Between machines this is worth as much as the locks of the file system they share; so is SQLite.
#[derive(Debug)]
pub struct FileLease {
    database: PathBuf,
    held: Mutex<HashMap<String, Held>>,
}

#[derive(Debug)]
struct Held {
    holder: String,
    fence: Fence,
    /// Whoever finds no file here makes another.
    watch: Watch,
    /// Locked; the lock goes when it is closed.
    _file: File,
}

impl FileLease {
    /// Leases of those who use this database; it need not exist.
    pub fn new(database: impl Into<PathBuf>) -> Self {
        Self {
            database: database.into(),
            held: Mutex::default(),
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, Held>> {
        // Each change is one map operation.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Beside the database, by name; what a file name may not hold is replaced.
    fn path(&self, name: &str) -> PathBuf {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || ".-,".contains(c) {
                c
            } else {
                '_'
            }
        };
        // 255 bytes are the most for the whole.
        let name: String = name.chars().take(100).map(plain).collect();
        let mut path = self.database.clone().into_os_string();
        path.push(format!(".{name}.lease"));
        path.into()
    }

    fn claim(&self, name: &str, holder: &str) -> Result<Claim, StoreError> {
        let mut held = self.held();
        held.retain(|_, held| !held.watch.has_moved());
        if let Some(held) = held.get(name) {
            let ours = held.holder == holder;
            return Ok(if ours {
                Claim::Held(held.fence)
            } else {
                Claim::Taken
            });
        }
        let path = self.path(name);
        let Some((file, fence)) = lock(&path).map_err(|error| explain(&path, &error))? else {
            return Ok(Claim::Taken);
        };
        let ours = Held {
            holder: holder.to_owned(),
            fence,
            watch: Watch::new(&path),
            _file: file,
        };
        held.insert(name.to_owned(), ours);
        Ok(Claim::Held(fence))
    }
}

#[async_trait]
impl LeaseStore for FileLease {
    /// Blocks for the moment a small local file takes.
    async fn take(
        &self,
        name: &str,
        holder: &str,
        _duration: Duration,
    ) -> Result<Claim, StoreError> {
        self.claim(name, holder)
    }

    async fn release(&self, name: &str, holder: &str) -> Result<(), StoreError> {
        let mut held = self.held();
        if held.get(name).is_some_and(|held| held.holder == holder) {
            held.remove(name);
        }
        Ok(())
    }
}

/// Locks the file and writes the next fence into it; `None` when somebody else has it.
fn lock(path: &Path) -> io::Result<Option<(File, Fence)>> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let mut before = String::new();
    file.read_to_string(&mut before)?;
    let fence = next(before.trim().parse().unwrap_or_default());
    file.seek(SeekFrom::Start(0))?;
    file.set_len(0)?;
    writeln!(file, "{}", fence.as_u64())?;
    file.sync_all()?;
    Ok(Some((file, fence)))
}

fn next(before: u64) -> Fence {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = now.map_or(0, |since| since.as_secs());
    Fence::new(seconds.max(before + 1))
}

fn explain(path: &Path, error: &io::Error) -> StoreError {
    let reason = format!("{} cannot be locked: {error}", path.display());
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => refused(reason),
        _ => unavailable(reason),
    }
}
