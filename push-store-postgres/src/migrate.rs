//! Bringing the tables to this program's version.

use crate::connection::Work;
use crate::error::ErrorMapper;
use crate::pool::Pool;
use crate::schema::{NEWEST, look};
use diesel::QueryResult;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use push_core::store::{Migrated, StoreError};
use tracing::info;

/// The n-th makes version n of n - 1. Only ever appended to.
const MIGRATIONS: [&str; NEWEST as usize] = [
    include_str!("../migrations/0001_registration.sql"),
    include_str!("../migrations/0002_trouble.sql"),
];

/// One instance at a time, until the end of the transaction.
const LOCK: &str = "SELECT pg_advisory_xact_lock(x'58507368'::bigint)";

/// Brings the tables to the newest version, however long it takes.
pub(crate) async fn migrate(pool: &Pool) -> Result<Migrated, StoreError> {
    let migrated = pool.run(&Migrate(pool.errors())).await??;
    if migrated.from < migrated.to {
        let Migrated { from, to } = migrated;
        info!(from, to, "migrated the database");
    }
    Ok(migrated)
}

/// Brings the tables to the newest version, all of the way or not at all.
struct Migrate<'a>(&'a ErrorMapper);

impl Work for Migrate<'_> {
    type Output = Result<Migrated, StoreError>;

    async fn run(&self, connection: &mut AsyncPgConnection) -> QueryResult<Self::Output> {
        connection
            .transaction(async |connection| {
                // As long as it takes: for an instance that is migrating already, and for tables that are large.
                let patient = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0";
                connection.batch_execute(patient).await?;
                connection.batch_execute(LOCK).await?;
                let found = look(connection).await?;
                if let Err(fault) = found.migratable(self.0) {
                    return Ok(Err(fault));
                }
                for (version, sql) in (1..).zip(MIGRATIONS).skip(found.version as usize) {
                    connection.batch_execute(sql).await?;
                    let done = format!("INSERT INTO xmpp_push_schema (version) VALUES ({version})");
                    connection.batch_execute(&done).await?;
                }
                Ok(Ok(Migrated {
                    from: found.version,
                    to: NEWEST,
                }))
            })
            .await
    }
}
