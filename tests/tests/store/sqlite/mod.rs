//! SQLite: the suite, and what only a file can suffer.

#[path = "../durable.rs"]
mod durable;
#[path = "../suite.rs"]
mod suite;

mod child;
mod crash;
mod damage;
mod disk;
mod file;
mod isolation;
mod lease;
mod lock;
mod rights;
mod unreadable;
mod version;

use push_store_sqlite::{SqliteConfig, SqliteStore, open};
use push_tests::store::Fresh;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

async fn fresh() -> Fresh {
    attach(tempfile::tempdir().unwrap())
}

async fn reopen(store: Fresh) -> Fresh {
    attach(store.close())
}

fn attach(folder: TempDir) -> Fresh {
    Fresh::new(open(config(&path(&folder))).unwrap(), folder)
}

fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("registrations.db")
}

/// Does not keep a test waiting for a lock that will not go.
fn config(path: &Path) -> SqliteConfig {
    SqliteConfig {
        busy_timeout: Duration::from_millis(200),
        ..SqliteConfig::new(path)
    }
}

/// A store in a folder of its own.
fn store() -> (TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(config(&path(&folder))).unwrap();
    (folder, store)
}

/// An operator's shell on the same file.
fn shell(folder: &TempDir) -> Connection {
    Connection::open(path(folder)).unwrap()
}
