//! Statements, and SQL rows as the core's.

use crate::error::refused;
use jid::BareJid;
use push_core::Registration;
use push_core::registration::{Revision, Target};
use push_core::row::{Row, RowError, StatusColumns, bucket};
use push_core::store::{Change, Committed, Guard, StoreError};
use rusqlite::{Connection, params};
use std::ops::RangeInclusive;

/// The rows of one owner.
pub(crate) const LOAD: &str = "
    SELECT service, node, revision, status, failures, status_at, enabled_at, document FROM registration
    WHERE owner = ?1 ORDER BY service, node";

/// Everything behind a key.
pub(crate) const PAGE: &str = "
    SELECT service, node, revision, status, failures, status_at, enabled_at, document, owner FROM registration
    WHERE (owner, service, node) > (?1, ?2, ?3) ORDER BY owner, service, node";

/// The next so many owners.
pub(crate) const OWNERS: &str = "
    SELECT DISTINCT owner FROM registration WHERE owner > ?1 ORDER BY owner LIMIT ?2";

/// The statuses behind a key, with the keys.
pub(crate) const STATUSES: &str = "
    SELECT status, owner, service, node FROM registration
    WHERE (owner, service, node) > (?1, ?2, ?3) ORDER BY owner, service, node LIMIT ?4";

const ENABLE: &str = "
    INSERT INTO registration
        (owner, bucket, service, node, revision, status, failures, status_at, enabled_at, document, updated_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, CAST(unixepoch('subsec') * 1000 AS INTEGER))
    ON CONFLICT (owner, service, node, bucket) DO UPDATE SET
        revision = excluded.revision, status = excluded.status, failures = excluded.failures,
        status_at = excluded.status_at, enabled_at = excluded.enabled_at,
        document = excluded.document, updated_at = excluded.updated_at
    WHERE registration.revision <= excluded.revision";

const SETTLE: &str = "
    UPDATE registration
    SET status = ?5, failures = ?6, status_at = ?7, updated_at = CAST(unixepoch('subsec') * 1000 AS INTEGER)
    WHERE owner = ?1 AND service = ?2 AND node = ?3 AND revision = ?4";

const REMOVE: &str = "
    DELETE FROM registration
    WHERE owner = ?1 AND service = ?2 AND node = ?3 AND revision BETWEEN ?4 AND ?5";

const REMOVE_SERVICE: &str =
    "DELETE FROM registration WHERE owner = ?1 AND service = ?2 AND revision <= ?3";

const REMOVE_OWNER: &str = "DELETE FROM registration WHERE owner = ?1 AND revision <= ?2";

/// A change as the writer applies it: one statement, hence atomic. Made on the caller's thread, so that the one
/// writer neither hashes nor writes JSON.
pub(crate) enum Write {
    Enable {
        owner: String,
        bucket: u16,
        row: Row,
    },
    Settle {
        owner: String,
        service: String,
        node: String,
        revision: i64,
        status: StatusColumns,
    },
    Remove {
        owner: String,
        service: String,
        node: String,
        revisions: RangeInclusive<i64>,
    },
    RemoveService {
        owner: String,
        service: String,
        up_to: i64,
    },
    RemoveOwner {
        owner: String,
        up_to: i64,
    },
}

impl TryFrom<&Change> for Write {
    type Error = StoreError;

    fn try_from(change: &Change) -> Result<Self, StoreError> {
        let owner = change.owner().as_str().to_owned();
        let names = |target: &Target| {
            let (service, node) = (target.service.as_str(), target.node.as_str());
            (service.to_owned(), node.to_owned())
        };
        match change {
            Change::Enable { registration, .. } => Ok(Self::Enable {
                owner,
                bucket: bucket(change.owner()),
                row: registration.into(),
            }),
            Change::Settle {
                target,
                revision,
                status,
                ..
            } => {
                let (service, node) = names(target);
                Ok(Self::Settle {
                    owner,
                    service,
                    node,
                    revision: number(*revision),
                    status: (*status).into(),
                })
            }
            Change::Remove { target, guard, .. } => {
                let (service, node) = names(target);
                Ok(Self::Remove {
                    owner,
                    service,
                    node,
                    revisions: revisions(*guard),
                })
            }
            Change::RemoveService { service, up_to, .. } => Ok(Self::RemoveService {
                owner,
                service: service.as_str().to_owned(),
                up_to: number(*up_to),
            }),
            Change::RemoveOwner { up_to, .. } => Ok(Self::RemoveOwner {
                owner,
                up_to: number(*up_to),
            }),
            _ => Err(refused("this store does not know that kind of change")),
        }
    }
}

/// A revision as the column holds it.
fn number(revision: Revision) -> i64 {
    revision.as_u64().cast_signed()
}

fn revisions(guard: Guard) -> RangeInclusive<i64> {
    match guard {
        Guard::Exactly(this) => number(this)..=number(this),
        Guard::UpTo(last) => i64::MIN..=number(last),
    }
}

impl Write {
    /// Applies it, within whatever transaction is open.
    pub(crate) fn execute(&self, connection: &Connection) -> rusqlite::Result<Committed> {
        match self {
            Self::Enable { owner, bucket, row } => enable(connection, owner, *bucket, row),
            Self::Settle {
                owner,
                service,
                node,
                revision,
                status,
            } => {
                let StatusColumns {
                    status,
                    failures,
                    status_at,
                } = status;
                let settled = connection.prepare_cached(SETTLE)?.execute(params![
                    owner, service, node, revision, status, failures, status_at
                ])?;
                Ok(changed(settled, Committed::Settled))
            }
            Self::Remove {
                owner,
                service,
                node,
                revisions,
            } => connection
                .prepare_cached(REMOVE)?
                .execute(params![
                    owner,
                    service,
                    node,
                    revisions.start(),
                    revisions.end()
                ])
                .map(Committed::Removed),
            Self::RemoveService {
                owner,
                service,
                up_to,
            } => connection
                .prepare_cached(REMOVE_SERVICE)?
                .execute(params![owner, service, up_to])
                .map(Committed::Removed),
            Self::RemoveOwner { owner, up_to } => connection
                .prepare_cached(REMOVE_OWNER)?
                .execute(params![owner, up_to])
                .map(Committed::Removed),
        }
    }
}

fn enable(
    connection: &Connection,
    owner: &str,
    bucket: u16,
    row: &Row,
) -> rusqlite::Result<Committed> {
    let Row {
        service,
        node,
        revision,
        status,
        enabled_at,
        document,
    } = row;
    let StatusColumns {
        status,
        failures,
        status_at,
    } = status;
    let enabled = connection.prepare_cached(ENABLE)?.execute(params![
        owner, bucket, service, node, revision, status, failures, status_at, enabled_at, document
    ])?;
    Ok(changed(enabled, Committed::Enabled))
}

/// What a statement with a guard did to the one row it means.
fn changed(rows: usize, done: Committed) -> Committed {
    if rows == 0 {
        Committed::Superseded
    } else {
        done
    }
}

/// The registration in a row of [`LOAD`] or [`PAGE`].
pub(crate) fn registration(row: &rusqlite::Row<'_>) -> Result<Registration, RowError> {
    Row {
        service: column(row, 0, "service")?,
        node: column(row, 1, "node")?,
        revision: column(row, 2, "revision")?,
        status: StatusColumns {
            status: column(row, 3, "status")?,
            failures: column(row, 4, "failures")?,
            status_at: column(row, 5, "status_at")?,
        },
        enabled_at: column(row, 6, "enabled_at")?,
        document: column(row, 7, "document")?,
    }
    .try_into()
}

/// Owner and registration in a row of [`PAGE`].
pub(crate) fn entry(row: &rusqlite::Row<'_>) -> Result<(BareJid, Registration), RowError> {
    let owner: String = column(row, 8, "owner")?;
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
        for sql in [
            LOAD,
            PAGE,
            OWNERS,
            STATUSES,
            SETTLE,
            REMOVE,
            REMOVE_SERVICE,
            REMOVE_OWNER,
        ] {
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
