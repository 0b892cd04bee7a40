//! Changes as statements.

use crate::error::refused;
use crate::statement::{ENABLE, REMOVE, REMOVE_OWNER, REMOVE_SERVICE, SETTLE};
use push_core::registration::{Revision, Target};
use push_core::row::{Row, StatusColumns, bucket};
use push_core::store::{Change, Committed, Guard, StoreError};
use rusqlite::{Connection, params};
use std::ops::RangeInclusive;

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
                    refusals,
                    days,
                    since,
                    last,
                } = status;
                let settled = connection.prepare_cached(SETTLE)?.execute(params![
                    owner, service, node, revision, status, refusals, days, since, last
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
        refusals,
        days,
        since,
        last,
    } = status;
    let enabled = connection.prepare_cached(ENABLE)?.execute(params![
        owner, bucket, service, node, revision, status, refusals, days, since, last, enabled_at,
        document
    ])?;
    Ok(changed(enabled, Committed::Enabled))
}

/// Returns the outcome of a statement with a guard for the one row it means.
fn changed(rows: usize, done: Committed) -> Committed {
    if rows == 0 {
        Committed::Superseded
    } else {
        done
    }
}
