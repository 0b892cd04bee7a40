//! The tables: which program they belong to, of which version they are, and who may use them.

use crate::connection::Work;
use crate::error::{ErrorMapper, refused, wrong_version};
use crate::statement::{Prepared, sql};
use diesel::sql_types::{Bool, Integer, Nullable, Text};
use diesel::{OptionalExtension, QueryResult, QueryableByName};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use push_core::store::StoreError;

/// The version this program writes.
pub(crate) const NEWEST: u32 = 2;

/// The oldest server with everything that the statements use, as its `server_version_num`.
const OLDEST_SERVER: i32 = 120_000;

/// `taken` before `ours`: names are looked up as they are at that moment, and another instance may be making both tables at
/// once.
const FOUND: &str = "
    SELECT version() AS product, current_setting('server_version_num')::integer AS server,
        current_setting('server_encoding') AS encoding, current_schema()::text AS schema,
        coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS creates,
        to_regclass('registration') IS NOT NULL AS taken, to_regclass('xmpp_push_schema') IS NOT NULL AS ours,
        has_table_privilege(to_regclass('xmpp_push_schema'), 'SELECT') IS NOT false AS readable";

const VERSION: &str = "SELECT coalesce(max(version), 0) AS version FROM xmpp_push_schema";

/// The rights that this user lacks and the program needs.
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

/// The result of [`Look`].
pub(crate) struct Schema {
    database: Database,
    pub(crate) version: u32,
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

/// Looks, within whatever transaction is open.
pub(crate) async fn look(connection: &mut AsyncPgConnection) -> QueryResult<Schema> {
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
    pub(crate) fn usable(&self, errors: &ErrorMapper) -> Result<(), StoreError> {
        self.ours(errors)?;
        let (endpoint, version) = (&errors.endpoint, self.version);
        if self.is_old() {
            let what = match version {
                0 => "has no tables of this program".to_owned(),
                _ => format!("is of version {version}, this program needs {NEWEST}"),
            };
            return Err(wrong_version(format!(
                "{endpoint} {what}: run xmpp-push migrate"
            )));
        }
        match &self.missing {
            Some(missing) => Err(refused(format!(
                "{endpoint}: this user lacks {missing}: GRANT it, or let the URL name the tables' owner"
            ))),
            None => Ok(()),
        }
    }

    /// Whether it is a server for this program, with nothing on it from a later version or another program.
    fn ours(&self, errors: &ErrorMapper) -> Result<(), StoreError> {
        let (endpoint, found) = (&errors.endpoint, &self.database);
        let product = found.product.split(',').next().unwrap_or_default();
        if !product.starts_with("PostgreSQL ") {
            return Err(refused(format!("{endpoint}: {product} is not supported")));
        }
        if found.server < OLDEST_SERVER {
            let oldest = OLDEST_SERVER / 10_000;
            return Err(wrong_version(format!(
                "{endpoint}: the server is {product}, this program needs {oldest} or later"
            )));
        }
        if found.encoding != "UTF8" {
            return Err(refused(format!(
                "{endpoint} has the encoding {}: create it with ENCODING 'UTF8'",
                found.encoding
            )));
        }
        if !found.readable {
            return Err(refused(format!(
                "{endpoint}: this user may not read the tables of this program: GRANT it SELECT, INSERT, UPDATE and DELETE, \
                 or let the URL name their owner"
            )));
        }
        if found.taken && !found.ours {
            return Err(refused(format!(
                "{endpoint} has a table registration of another program: give this one a database or a schema of its own"
            )));
        }
        if self.version > NEWEST {
            return Err(wrong_version(format!(
                "{endpoint} is of version {}, this program knows up to {NEWEST}: run the later program, or restore a backup of \
                 the earlier version",
                self.version
            )));
        }
        Ok(())
    }

    /// Whether this user can make what is missing.
    pub(crate) fn migratable(&self, errors: &ErrorMapper) -> Result<(), StoreError> {
        self.ours(errors)?;
        if !self.is_old() || self.database.creates {
            return Ok(());
        }
        let (endpoint, schema) = (&errors.endpoint, self.database.schema.as_deref());
        let schema = schema.unwrap_or("that is the first of its search_path");
        Err(refused(format!(
            "{endpoint}: this user may not create tables in the schema {schema}: GRANT it CREATE there, or run xmpp-push \
             migrate as somebody who may"
        )))
    }
}
