//! Statements, and SQL rows as the core's.

use crate::error::refused;
use jid::BareJid;
use push_core::Registration;
use push_core::row::{Row, RowError, bucket};
use push_core::store::{Change, Committed, StoreError};
use rusqlite::{Connection, params};

/// The rows of one owner.
pub(crate) const LOAD: &str = "
    SELECT service, node, revision, status, enabled_at, document FROM registration
    WHERE owner = ?1 ORDER BY service, node";

/// Everything behind a key.
pub(crate) const PAGE: &str = "
    SELECT service, node, revision, status, enabled_at, document, owner FROM registration
    WHERE (owner, service, node) > (?1, ?2, ?3) ORDER BY owner, service, node";

/// The next so many owners.
pub(crate) const OWNERS: &str = "
    SELECT DISTINCT owner FROM registration WHERE owner > ?1 ORDER BY owner LIMIT ?2";

const ENABLE: &str = "
    INSERT INTO registration
        (owner, bucket, service, node, revision, status, enabled_at, document, updated_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, CAST(unixepoch('subsec') * 1000 AS INTEGER))
    ON CONFLICT (owner, service, node, bucket) DO UPDATE SET
        revision = excluded.revision, status = excluded.status, enabled_at = excluded.enabled_at,
        document = excluded.document, updated_at = excluded.updated_at";

const REMOVE: &str = "
    DELETE FROM registration
    WHERE owner = ?1 AND service = ?2 AND node = ?3 AND (?4 IS NULL OR revision = ?4)";

const REMOVE_SERVICE: &str = "DELETE FROM registration WHERE owner = ?1 AND service = ?2";

const REMOVE_OWNER: &str = "DELETE FROM registration WHERE owner = ?1";

/// A change as the writer applies it: one statement, hence atomic. Made on the caller's thread, so that the one
/// writer neither hashes nor writes JSON.
pub(crate) enum Write {
    Enable {
        owner: String,
        bucket: u16,
        row: Row,
    },
    Remove {
        owner: String,
        service: String,
        node: String,
        revision: Option<i64>,
    },
    RemoveService {
        owner: String,
        service: String,
    },
    RemoveOwner {
        owner: String,
    },
}

impl TryFrom<&Change> for Write {
    type Error = StoreError;

    fn try_from(change: &Change) -> Result<Self, StoreError> {
        let owner = change.owner().as_str().to_owned();
        match change {
            Change::Enable { registration, .. } => Ok(Self::Enable {
                owner,
                bucket: bucket(change.owner()),
                row: registration.into(),
            }),
            Change::Remove {
                target, revision, ..
            } => Ok(Self::Remove {
                owner,
                service: target.service.as_str().to_owned(),
                node: target.node.as_str().to_owned(),
                revision: revision.map(|revision| revision.as_u64().cast_signed()),
            }),
            Change::RemoveService { service, .. } => Ok(Self::RemoveService {
                owner,
                service: service.as_str().to_owned(),
            }),
            Change::RemoveOwner { .. } => Ok(Self::RemoveOwner { owner }),
            _ => Err(refused("this store does not know that kind of change")),
        }
    }
}

impl Write {
    /// Applies it, within whatever transaction is open.
    pub(crate) fn execute(&self, connection: &Connection) -> rusqlite::Result<Committed> {
        let removed = match self {
            Self::Enable { owner, bucket, row } => {
                let Row {
                    service,
                    node,
                    revision,
                    status,
                    enabled_at,
                    document,
                } = row;
                connection.prepare_cached(ENABLE)?.execute(params![
                    owner, bucket, service, node, revision, status, enabled_at, document
                ])?;
                return Ok(Committed::Enabled);
            }
            Self::Remove {
                owner,
                service,
                node,
                revision,
            } => connection
                .prepare_cached(REMOVE)?
                .execute(params![owner, service, node, revision])?,
            Self::RemoveService { owner, service } => connection
                .prepare_cached(REMOVE_SERVICE)?
                .execute([owner, service])?,
            Self::RemoveOwner { owner } => {
                connection.prepare_cached(REMOVE_OWNER)?.execute([owner])?
            }
        };
        Ok(Committed::Removed(removed))
    }
}

/// The registration in a row of [`LOAD`] or [`PAGE`].
pub(crate) fn registration(row: &rusqlite::Row<'_>) -> Result<Registration, RowError> {
    Row {
        service: column(row, 0, "service")?,
        node: column(row, 1, "node")?,
        revision: column(row, 2, "revision")?,
        status: column(row, 3, "status")?,
        enabled_at: column(row, 4, "enabled_at")?,
        document: column(row, 5, "document")?,
    }
    .try_into()
}

/// Owner and registration in a row of [`PAGE`].
pub(crate) fn entry(row: &rusqlite::Row<'_>) -> Result<(BareJid, Registration), RowError> {
    let owner: String = column(row, 6, "owner")?;
    let owner = BareJid::new(&owner).map_err(|_| RowError::Column { column: "owner" })?;
    Ok((owner, registration(row)?))
}

/// STRICT tables hold the right types, but text need not be UTF-8.
fn column<T: rusqlite::types::FromSql>(
    row: &rusqlite::Row<'_>,
    index: usize,
    column: &'static str,
) -> Result<T, RowError> {
    row.get(index).map_err(|_| RowError::Column { column })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Explain;
    use crate::{SqliteConfig, connection, file};

    /// What one owner costs must not depend on how many others there are.
    #[test]
    fn every_statement_searches_by_the_key_and_sorts_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let config = SqliteConfig::new(file::prepare(&folder.path().join("a.db")).unwrap());
        let connection = connection::writer(&config, &Explain::new(&config)).unwrap();
        for sql in [LOAD, PAGE, OWNERS, REMOVE, REMOVE_SERVICE, REMOVE_OWNER] {
            let mut plan = connection
                .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                .unwrap();
            let steps: Vec<String> = plan
                .raw_query()
                .mapped(|step| step.get("detail"))
                .collect::<Result<_, _>>()
                .unwrap();
            let [step] = &steps[..] else {
                panic!("{steps:?} of {sql}");
            };
            let by_key = "SEARCH registration USING PRIMARY KEY (";
            assert!(step.starts_with(by_key), "{step} of {sql}");
        }
    }
}
