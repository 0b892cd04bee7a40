//! Collections, indexes and their version.
//!
//! | Collection | Document |
//! |---|---|
//! | `registration` | one registration |
//! | `lease` | one lease: `_id` is its name |
//! | `schema` | of `_id` "xmpp-push": the version |
//!
//! Every step can be taken again, and by several instances at once; the version is written after the last.

use crate::Migrated;
use crate::connection::Server;
use crate::error::{DUPLICATE_KEY, is, refused, wrong_version};
use crate::row::{BY_KEY, BY_OWNER};
use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::error::Result;
use mongodb::options::IndexOptions;
use push_core::store::StoreError;

pub(crate) const REGISTRATION: &str = "registration";
pub(crate) const LEASE: &str = "lease";
const SCHEMA: &str = "schema";

/// The document in `schema`: how this program's databases are told from others.
const OURS: &str = "xmpp-push";

/// The version this program writes.
const NEWEST: i32 = 1;

/// MongoDB 5.0: the oldest that hosters still run.
const OLDEST_WIRE: i32 = 13;

const NAMESPACE_EXISTS: i32 = 48;

/// What is known of a server that can be used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// Whether it has transactions: every replica set, were it of one member, and every sharded cluster.
    pub(crate) transactions: bool,
}

/// Finds out whether the server and the database can be used, and makes of it what this program needs, if it may.
pub(crate) async fn check(
    server: &Server,
    migrate: bool,
) -> std::result::Result<Facts, StoreError> {
    let say = |error| server.explain.connecting(&error);
    let facts = greet(server).await?;
    let version = version(server).await.map_err(say)?;
    if version > NEWEST {
        return Err(wrong_version(server.explain.here(&format!(
            "it is of version {version}, this program knows up to {NEWEST}: run the later program, or restore a backup of \
             the earlier version"
        ))));
    }
    if version < NEWEST && !migrate {
        return Err(wrong_version(server.explain.here(&format!(
            "it is of version {version}, this program needs {NEWEST}: run xmpp-push migrate"
        ))));
    }
    if version < NEWEST {
        update(server, version).await?;
    }
    Ok(facts)
}

/// Brings the database to the newest version.
pub(crate) async fn migrate(server: &Server) -> std::result::Result<Migrated, StoreError> {
    let from = version(server)
        .await
        .map_err(|error| server.explain.connecting(&error))?;
    check(server, true).await?;
    Ok(Migrated {
        from: from.unsigned_abs(),
        to: NEWEST.unsigned_abs(),
    })
}

async fn greet(server: &Server) -> std::result::Result<Facts, StoreError> {
    let hello = server.database.run_command(doc! { "hello": 1 }).await;
    let hello = hello.map_err(|error| server.explain.connecting(&error))?;
    if hello.get_i32("maxWireVersion").unwrap_or_default() < OLDEST_WIRE {
        return Err(wrong_version(
            server
                .explain
                .here("the server is too old: MongoDB 5.0 or later is needed"),
        ));
    }
    // A mongos says "isdbgrid".
    let transactions = hello.contains_key("setName") || hello.contains_key("msg");
    Ok(Facts { transactions })
}

/// The version of what is stored; 0 of nothing.
async fn version(server: &Server) -> Result<i32> {
    let schema = server.database.collection::<Document>(SCHEMA);
    let found = schema.find_one(doc! { "_id": OURS }).await?;
    Ok(found.map_or(0, |found| found.get_i32("version").unwrap_or(i32::MAX)))
}

async fn update(server: &Server, version: i32) -> std::result::Result<(), StoreError> {
    let say = |error| server.explain.connecting(&error);
    if version == 0 && is_anothers(server).await.map_err(say)? {
        return Err(refused(server.explain.here(
            "its collection registration is another program's: name another database",
        )));
    }
    make(server).await.map_err(say)
}

/// Whether there are documents, but nothing that says they are ours. It is said before the first is written; hence the
/// order of looking.
async fn is_anothers(server: &Server) -> Result<bool> {
    let schema = server.database.collection::<Document>(SCHEMA);
    let full = server.registrations.find_one(doc! {}).await?.is_some();
    Ok(full && schema.find_one(doc! { "_id": OURS }).await?.is_none())
}

async fn make(server: &Server) -> Result<()> {
    set_version(server, 0).await?;
    collection(server, REGISTRATION, registration()).await?;
    collection(server, LEASE, lease()).await?;
    server.registrations.create_indexes(indexes()).await?;
    set_version(server, NEWEST).await
}

/// Never lowers it.
async fn set_version(server: &Server, version: i32) -> Result<()> {
    let schema = server.database.collection::<Document>(SCHEMA);
    let update = doc! { "$max": { "version": version }, "$currentDate": { "updated_at": true } };
    let done = schema
        .update_one(doc! { "_id": OURS }, update)
        .upsert(true)
        .await;
    match done {
        // Another instance was first with the same.
        Err(error) if is(&error, DUPLICATE_KEY) && version == 0 => Ok(()),
        done => done.map(drop),
    }
}

/// Makes a collection with its validator; gives it to one that was made without, for being sharded, say.
async fn collection(server: &Server, name: &str, validator: Document) -> Result<()> {
    let made = server.database.create_collection(name);
    match made.validator(validator.clone()).await {
        Err(error) if is(&error, NAMESPACE_EXISTS) => revalidate(server, name, validator).await,
        made => made,
    }
}

/// Changing a validator is a right that readWrite lacks, hence only where it is not that already.
async fn revalidate(server: &Server, name: &str, validator: Document) -> Result<()> {
    let mut found = server
        .database
        .list_collections()
        .filter(doc! { "name": name })
        .await?;
    let has = found.advance().await?
        && found.deserialize_current()?.options.validator == Some(validator.clone());
    if has {
        return Ok(());
    }
    let change = doc! { "collMod": name, "validator": validator };
    server.database.run_command(change).await.map(drop)
}

fn registration() -> Document {
    let number = |kind: &str| doc! { "bsonType": kind, "minimum": 0 };
    let text = doc! { "bsonType": "string" };
    required(doc! {
        "bucket": { "bsonType": "int", "minimum": 0, "maximum": 65535, "description": "16 bits of the owner's SHA-256" },
        "owner": { "bsonType": "string", "minLength": 1, "description": "bare JID" },
        "service": { "bsonType": "string", "minLength": 1, "description": "bare JID of the push service" },
        "node": &text,
        "revision": number("long"),
        "status": &text,
        "failures": number("int"),
        "status_at": { "bsonType": "long", "description": "failing since or quarantined until, Unix milliseconds" },
        "enabled_at": { "bsonType": "long", "description": "Unix milliseconds" },
        "updated_at": { "bsonType": "date" },
        "document": { "bsonType": "string", "description": "JSON with a version \"v\"" },
    })
}

fn lease() -> Document {
    required(doc! {
        "_id": { "bsonType": "string" },
        "holder": { "bsonType": "string", "description": "empty when it was given back" },
        "fence": { "bsonType": "long", "minimum": 1 },
        "until": { "bsonType": "long", "description": "Unix milliseconds" },
    })
}

/// All of these must be there; others may be, for people's notes.
fn required(properties: Document) -> Document {
    let names: Vec<_> = properties.keys().cloned().collect();
    doc! { "$jsonSchema": { "bsonType": "object", "required": names, "properties": properties } }
}

/// None on a field that changes: a settling touches one document and no index.
fn indexes() -> [IndexModel; 2] {
    let index = |keys, name: &str, unique| {
        let options = IndexOptions::builder().name(name.to_owned()).unique(unique);
        IndexModel::builder()
            .keys(keys)
            .options(options.build())
            .build()
    };
    [
        index(
            doc! { "bucket": 1, "owner": 1, "service": 1, "node": 1 },
            BY_KEY,
            true,
        ),
        index(
            doc! { "owner": 1, "service": 1, "node": 1 },
            BY_OWNER,
            false,
        ),
    ]
}
