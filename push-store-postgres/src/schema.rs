//! Whose tables they are, of which version, and who may use them.

use crate::error::{Explain, refused, wrong_version};
use crate::pool::Work;
use crate::statement::{Prepared, sql};
use diesel::sql_types::{Bool, Integer, Nullable, Text};
use diesel::{OptionalExtension, QueryResult, QueryableByName};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use push_core::store::StoreError;

/// The n-th makes version n of n - 1. Only ever appended to.
const MIGRATIONS: [&str; NEWEST as usize] = [include_str!("../migrations/0001_registration.sql")];

/// The version this program writes.
const NEWEST: u32 = 1;

/// The oldest server with everything that the statements use, as its `server_version_num`.
const OLDEST_SERVER: i32 = 120_000;

/// One instance at a time, until the end of the transaction.
const LOCK: &str = "SELECT pg_advisory_xact_lock(x'58507368'::bigint)";

/// What a migration did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The version that was found; 0 where there was nothing.
    pub from: u32,
    /// The version that it is of now.
    pub to: u32,
}

/// `taken` before `ours`: names are looked up as they are at that moment, and another instance may be making both tables at
/// once.
const FOUND: &str = "
    SELECT version() AS product, current_setting('server_version_num')::integer AS server,
        current_setting('server_encoding') AS encoding, current_schema()::text AS schema,
        coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS creates,
        to_regclass('registration') IS NOT NULL AS taken, to_regclass('xmpp_push_schema') IS NOT NULL AS ours,
        has_table_privilege(to_regclass('xmpp_push_schema'), 'SELECT') IS NOT false AS readable";

const VERSION: &str = "SELECT coalesce(max(version), 0) AS version FROM xmpp_push_schema";

/// What this user may not do, though the program has to.
const MISSING: &str = "
    SELECT string_agg(privilege || ' on ' || name, ', ') AS missing
    FROM (VALUES ('registration'), ('lease')) AS tables (name),
        (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) AS privileges (privilege)
    WHERE has_table_privilege(to_regclass(name), privilege) IS NOT true";

/// A database, as it was found.
#[expect(clippy::struct_excessive_bools, reason = "the columns of one question")]
#[derive(QueryableByName)]
struct Database {
    #[diesel(sql_type = Text)]
    product: String,
    #[diesel(sql_type = Integer)]
    server: i32,
    #[diesel(sql_type = Text)]
    encoding: String,
    #[diesel(sql_type = Nullable<Text>)]
    schema: Option<String>,
    #[diesel(sql_type = Bool)]
    creates: bool,
    #[diesel(sql_type = Bool)]
    ours: bool,
    #[diesel(sql_type = Bool)]
    taken: bool,
    #[diesel(sql_type = Bool)]
    readable: bool,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Integer)]
    version: i32,
}

#[derive(QueryableByName)]
struct Missing {
    #[diesel(sql_type = Nullable<Text>)]
    missing: Option<String>,
}

/// What [`Look`] found.
pub(crate) struct Schema {
    database: Database,
    version: u32,
    missing: Option<String>,
}

/// Looks, and changes nothing.
pub(crate) struct Look;

impl Work for Look {
    type Output = Schema;

    async fn run(&self, connection: &mut AsyncPgConnection) -> QueryResult<Schema> {
        look(connection).await
    }
}

async fn look(connection: &mut AsyncPgConnection) -> QueryResult<Schema> {
    let database: Database = Prepared(sql(FOUND)).get_result(connection).await?;
    let mut schema = Schema {
        version: 0,
        missing: None,
        database,
    };
    if schema.database.ours && schema.database.readable {
        let found: Version = Prepared(sql(VERSION)).get_result(connection).await?;
        schema.version = u32::try_from(found.version).unwrap_or_default();
        let found: Option<Missing> = Prepared(sql(MISSING))
            .get_result(connection)
            .await
            .optional()?;
        schema.missing = found.and_then(|found| found.missing);
    }
    Ok(schema)
}

impl Schema {
    /// Whether the tables are to be migrated before they can be used.
    pub(crate) fn is_old(&self) -> bool {
        self.version < NEWEST
    }

    /// Whether this program can use it as it is.
    pub(crate) fn usable(&self, explain: &Explain) -> Result<(), StoreError> {
        self.ours(explain)?;
        let (place, version) = (&explain.place, self.version);
        if self.is_old() {
            let what = match version {
                0 => "has no tables of this program".to_owned(),
                _ => format!("is of version {version}, this program needs {NEWEST}"),
            };
            return Err(wrong_version(format!(
                "{place} {what}: run xmpp-push migrate"
            )));
        }
        match &self.missing {
            Some(missing) => Err(refused(format!(
                "{place}: this user lacks {missing}: GRANT it, or let the URL name the tables' owner"
            ))),
            None => Ok(()),
        }
    }

    /// Whether it is a server for this program, with nothing on it from a later version or another program.
    fn ours(&self, explain: &Explain) -> Result<(), StoreError> {
        let (place, found) = (&explain.place, &self.database);
        let product = found.product.split(',').next().unwrap_or_default();
        if !product.starts_with("PostgreSQL ") {
            return Err(refused(format!("{place}: {product} is not supported")));
        }
        if found.server < OLDEST_SERVER {
            let oldest = OLDEST_SERVER / 10_000;
            return Err(wrong_version(format!(
                "{place}: the server is {product}, this program needs {oldest} or later"
            )));
        }
        if found.encoding != "UTF8" {
            return Err(refused(format!(
                "{place} has the encoding {}: create it with ENCODING 'UTF8'",
                found.encoding
            )));
        }
        if !found.readable {
            return Err(refused(format!(
                "{place}: this user may not read the tables of this program: GRANT it SELECT, INSERT, UPDATE and DELETE, \
                 or let the URL name their owner"
            )));
        }
        if found.taken && !found.ours {
            return Err(refused(format!(
                "{place} has a table registration of another program: give this one a database or a schema of its own"
            )));
        }
        if self.version > NEWEST {
            return Err(wrong_version(format!(
                "{place} is of version {}, this program knows up to {NEWEST}: run the later program, or restore a backup of \
                 the earlier version",
                self.version
            )));
        }
        Ok(())
    }

    /// Whether this user can make what is missing.
    fn migratable(&self, explain: &Explain) -> Result<(), StoreError> {
        self.ours(explain)?;
        if !self.is_old() || self.database.creates {
            return Ok(());
        }
        let (place, schema) = (&explain.place, self.database.schema.as_deref());
        let schema = schema.unwrap_or("that is the first of its search_path");
        Err(refused(format!(
            "{place}: this user may not create tables in the schema {schema}: GRANT it CREATE there, or run xmpp-push \
             migrate as somebody who may"
        )))
    }
}

/// Brings the tables to the newest version, all of the way or not at all.
pub(crate) struct Migrate<'a>(pub(crate) &'a Explain);

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
