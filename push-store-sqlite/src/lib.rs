//! Keeps registrations in one SQLite file.
//!
//! ```no_run
//! use push_store_sqlite::{SqliteConfig, open};
//!
//! let store = open(SqliteConfig::new("registrations.db"))?;
//! # Ok::<(), push_core::store::StoreError>(())
//! ```
//!
//! # Threads
//!
//! No call touches the disk itself: calls wait as futures of any runtime while two plain threads work.
//! The *writer* takes what has queued up into one transaction and answers after its fsync, so that many callers
//! share one ("group commit"); a change that fails takes no other with it. Now and then, after it has answered, it moves
//! the write-ahead log into the file. The *reader* serves what has queued up from one snapshot.
//!
//! A call waits for the batch that is being worked on and for its own. Each takes at most about
//! [`SqliteConfig::busy_timeout`] while another program holds the lock, and a fraction of it otherwise.
//!
//! # Durability
//!
//! WAL with `synchronous=FULL`: what was acknowledged survives the end of the process and, as far as the disk keeps
//! its word, of the machine. Dropping the store finishes what is being written and leaves one file behind, everything in
//! it; it blocks for that long.
//!
//! # Operation
//!
//! The file is an ordinary database: `sqlite3 FILE` to look into it, `.backup` or `VACUUM INTO` to copy it while it is
//! in use. Copying the bare file while it is in use misses the log beside it (`-wal`), and moving it away is refused
//! as soon as it is noticed. It belongs on a local disk: the log needs shared memory, which network file systems lack.
//! A new file has mode 0600. A file that is damaged, of a later version or of another program is left as it is.

mod change;
mod commit;
mod config;
mod connection;
mod error;
mod file;
mod lease;
mod load;
mod migrate;
mod page;
mod portion;
mod reader;
mod row;
mod schema;
mod statement;
mod store;
mod worker;

pub use config::SqliteConfig;
pub use lease::FileLease;
pub use store::SqliteStore;

use push_core::store::{Migrated, StoreError};

/// Opens the store, creating or migrating its file where that is due.
///
/// Blocks for milliseconds; while another program holds the lock, up to [`SqliteConfig::busy_timeout`].
///
/// # Errors
///
/// `Unavailable` when the file is locked or its disk full or failing; `WrongVersion` when it is of a later version, or of
/// an earlier one and must not be migrated; `Refused` when the file or its folder may not be written, or is another
/// program's; `Corrupt` when it is no database or a damaged one.
pub fn open(config: SqliteConfig) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(config)
}

/// Creates the file, or brings it to the version of this program.
///
/// # Errors
///
/// As [`open`].
pub fn migrate(config: &SqliteConfig) -> Result<Migrated, StoreError> {
    migrate::migrate(config)
}
