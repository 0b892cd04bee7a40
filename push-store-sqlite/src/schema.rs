//! Whose file it is, and of which version.

use crate::error::{Explain, refused, wrong_version};
use push_core::store::StoreError;
use rusqlite::{Connection, TransactionBehavior};

/// "XPsh": how this program's files are told from others (`PRAGMA application_id`).
const APPLICATION_ID: i32 = 0x5850_7368;

/// The version this program writes (`PRAGMA user_version`).
pub(crate) const NEWEST: u32 = 2;

/// The n-th makes version n of n - 1. Only ever appended to.
const MIGRATIONS: [&str; NEWEST as usize] = [
    include_str!("../migrations/0001_registration.sql"),
    include_str!("../migrations/0002_status.sql"),
];

/// Finds out whether the file is ours to use, reading only. Returns its version, 0 of an empty one.
pub(crate) fn check(connection: &Connection, explain: &Explain) -> Result<u32, StoreError> {
    let say = |error| explain.error(&error);
    let application: i32 = connection
        .pragma_query_one(None, "application_id")
        .map_err(say)?;
    let version: u32 = connection
        .pragma_query_one(None, "user_version")
        .map_err(say)?;
    let empty: bool = connection
        .query_row(
            "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)",
            [],
            |row| row.get(0),
        )
        .map_err(say)?;
    match application {
        0 if empty && version == 0 => Ok(0),
        APPLICATION_ID if version <= NEWEST => Ok(version),
        APPLICATION_ID => Err(wrong_version(format!(
            "it is of version {version}, this program knows up to {NEWEST}: run the later program, or restore a \
             backup of the earlier version"
        ))),
        _ => Err(refused(
            "the database belongs to another program: name another file",
        )),
    }
}

/// What to do about a file of an earlier version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Earlier {
    Migrate,
    Refuse,
}

/// Brings the file to the newest version, all of the way or not at all. Returns the version before.
pub(crate) fn migrate(
    connection: &mut Connection,
    explain: &Explain,
    earlier: Earlier,
) -> Result<u32, StoreError> {
    let before = check(connection, explain)?;
    if before == NEWEST {
        return Ok(before);
    }
    if earlier == Earlier::Refuse {
        return Err(wrong_version(format!(
            "it is of version {before}, this program needs {NEWEST}: run xmpp-push migrate"
        )));
    }
    let say = |error| explain.error(&error);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(say)?;
    // Again under the lock: another instance may have done it meanwhile.
    let version = check(&transaction, explain)?;
    for sql in MIGRATIONS.iter().skip(version as usize) {
        transaction.execute_batch(sql).map_err(say)?;
    }
    transaction
        .pragma_update(None, "application_id", APPLICATION_ID)
        .and_then(|()| transaction.pragma_update(None, "user_version", NEWEST))
        .and_then(|()| transaction.commit())
        .map_err(say)?;
    Ok(version)
}
