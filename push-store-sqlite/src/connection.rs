//! Connections and how they are set up.

use crate::error::{ErrorMapper, read_only, refused};
use crate::{SqliteConfig, schema};
use push_core::store::StoreError;
use rusqlite::{Connection, MAIN_DB, OpenFlags};

/// The writer's, whatever version the file is of. Nothing in it changes before it is known to be ours.
pub(crate) fn writer(
    config: &SqliteConfig,
    errors: &ErrorMapper,
) -> Result<Connection, StoreError> {
    let connection = connect(config, errors)?;
    if connection.is_readonly(MAIN_DB).unwrap_or(false) {
        return Err(read_only(&config.path));
    }
    schema::check(&connection, errors)?;
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
        .map_err(|error| errors.error(&error))?;
    if mode != "wal" {
        return Err(refused(format!(
            "{} is on a file system without shared memory: use a local disk",
            config.path.display()
        )));
    }
    // It would come within a commit; the writer does it between commits.
    set(&connection, errors, &[("wal_autocheckpoint", 0)])?;
    Ok(connection)
}

/// The reader's, which writes nothing.
pub(crate) fn reader(
    config: &SqliteConfig,
    errors: &ErrorMapper,
) -> Result<Connection, StoreError> {
    let connection = connect(config, errors)?;
    set(&connection, errors, &[("query_only", 1)])?;
    Ok(connection)
}

/// A connection with the settings that both have.
pub(crate) fn connect(
    config: &SqliteConfig,
    errors: &ErrorMapper,
) -> Result<Connection, StoreError> {
    // No CREATE: the file exists. No mutex: a connection stays on one thread.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let say = |error| errors.error(&error);
    let connection = Connection::open_with_flags(&config.path, flags).map_err(say)?;
    connection.busy_timeout(config.busy_timeout).map_err(say)?;
    let cache_kib = i64::try_from(config.cache / 1024).unwrap_or(i64::MAX);
    // Negative: KiB rather than pages.
    connection
        .pragma_update(None, "cache_size", -cache_kib)
        .map_err(say)?;
    let settings = [
        ("synchronous", 2), // FULL: an fsync with every commit
        ("fullfsync", 1),   // macOS, where fsync alone leaves it in the disk's cache
        ("checkpoint_fullfsync", 1),
        ("cell_size_check", 1), // finds a damaged page when it is read
        ("trusted_schema", 0),
    ];
    set(&connection, errors, &settings)?;
    Ok(connection)
}

fn set(
    connection: &Connection,
    errors: &ErrorMapper,
    pragmas: &[(&str, u32)],
) -> Result<(), StoreError> {
    for (name, value) in pragmas {
        // Some of them answer with a row, others do not.
        connection
            .pragma(None, name, value, |_| Ok(()))
            .map_err(|error| errors.error(&error))?;
    }
    Ok(())
}
