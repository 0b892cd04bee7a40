//! The file: which program it belongs to, and of which version it is.

use crate::error::{ErrorMapper, refused, wrong_version};
use push_core::store::StoreError;
use rusqlite::Connection;

/// "XPsh": how this program's files are told from others (`PRAGMA application_id`).
pub(crate) const APPLICATION_ID: i32 = 0x5850_7368;

/// The version this program writes (`PRAGMA user_version`).
pub(crate) const NEWEST: u32 = 3;

/// Finds out whether the file is ours to use, reading only. Returns its version, 0 of an empty one.
pub(crate) fn check(connection: &Connection, errors: &ErrorMapper) -> Result<u32, StoreError> {
    let say = |error| errors.error(&error);
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
