//! Bringing a file to this program's version.

use crate::error::{ErrorMapper, wrong_version};
use crate::schema::{APPLICATION_ID, NEWEST, check};
use crate::{SqliteConfig, connection, file};
use push_core::store::{Migrated, StoreError};
use rusqlite::{Connection, TransactionBehavior};

/// The n-th makes version n of n - 1. Only ever appended to.
const MIGRATIONS: [&str; NEWEST as usize] = [
    include_str!("../migrations/0001_registration.sql"),
    include_str!("../migrations/0002_status.sql"),
    include_str!("../migrations/0003_trouble.sql"),
];

/// How to treat a file of an earlier version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Earlier {
    Migrate,
    Refuse,
}

/// Brings the file that `config` names to the newest version.
pub(crate) fn migrate(config: &SqliteConfig) -> Result<Migrated, StoreError> {
    let mut config = config.clone();
    config.path = file::prepare(&config.path)?;
    let errors = ErrorMapper::new(&config);
    let mut connection = connection::connect(&config, &errors)?;
    bring_up(&mut connection, &errors, Earlier::Migrate)
}

/// Brings the file to the newest version, all of the way or not at all.
pub(crate) fn bring_up(
    connection: &mut Connection,
    errors: &ErrorMapper,
    earlier: Earlier,
) -> Result<Migrated, StoreError> {
    let before = check(connection, errors)?;
    if before == NEWEST {
        return Ok(migrated(before));
    }
    if earlier == Earlier::Refuse {
        return Err(wrong_version(format!(
            "it is of version {before}, this program needs {NEWEST}: run xmpp-push migrate"
        )));
    }
    let say = |error| errors.error(&error);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(say)?;
    // Again under the lock: another instance may have done it meanwhile.
    let version = check(&transaction, errors)?;
    for sql in MIGRATIONS.iter().skip(version as usize) {
        transaction.execute_batch(sql).map_err(say)?;
    }
    transaction
        .pragma_update(None, "application_id", APPLICATION_ID)
        .and_then(|()| transaction.pragma_update(None, "user_version", NEWEST))
        .and_then(|()| transaction.commit())
        .map_err(say)?;
    Ok(migrated(version))
}

const fn migrated(from: u32) -> Migrated {
    Migrated { from, to: NEWEST }
}
