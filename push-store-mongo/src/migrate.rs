//! Bringing collections, validators and indexes to this program's version.
//!
//! Every step can be taken again, and by several instances at once; the version is written after the last.

use crate::connection::{Connection, LEASE, REGISTRATION};
use crate::error::{DUPLICATE_KEY, is, refused};
use crate::row::{BY_KEY, BY_OWNER};
use crate::schema::{NEWEST, OURS, SCHEMA, Schema, look};
use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::error::Result;
use mongodb::options::IndexOptions;
use push_core::store::{Migrated, StoreError};

const NAMESPACE_EXISTS: i32 = 48;

/// Brings the database to the newest version.
pub(crate) async fn migrate(connection: &Connection) -> std::result::Result<Migrated, StoreError> {
    let found = look(connection).await?;
    found.known(&connection.errors)?;
    if found.is_old() {
        bring_up(connection, &found).await?;
    }
    Ok(Migrated {
        from: found.version.unsigned_abs(),
        to: NEWEST.unsigned_abs(),
    })
}

/// Brings the database that was found to the newest version, whatever it holds of earlier ones.
pub(crate) async fn bring_up(
    connection: &Connection,
    found: &Schema,
) -> std::result::Result<(), StoreError> {
    let say = |error| connection.errors.connecting(&error);
    if found.version == 0 && is_anothers(connection).await.map_err(say)? {
        return Err(refused(connection.errors.here(
            "its collection registration is another program's: name another database",
        )));
    }
    make(connection).await.map_err(say)
}

/// Whether there are documents, but nothing that says they are ours. It is said before the first is written; hence the
/// order of looking.
async fn is_anothers(connection: &Connection) -> Result<bool> {
    let schema = connection.database.collection::<Document>(SCHEMA);
    let full = connection.registrations.find_one(doc! {}).await?.is_some();
    Ok(full && schema.find_one(doc! { "_id": OURS }).await?.is_none())
}

async fn make(connection: &Connection) -> Result<()> {
    set_version(connection, 0).await?;
    collection(connection, REGISTRATION, registration()).await?;
    begin_as_active(connection).await?;
    collection(connection, LEASE, lease()).await?;
    connection.registrations.create_indexes(indexes()).await?;
    set_version(connection, NEWEST).await
}

/// Gives documents of version 1 the fields that came with version 2. No program of then has judged any registration.
async fn begin_as_active(connection: &Connection) -> Result<()> {
    let first = doc! { "days": { "$exists": false } };
    let active = doc! { "status": "active", "refusals": 0_i32, "days": 0_i32, "since": 0_i64, "last": 0_i64 };
    let update = doc! { "$set": active, "$unset": { "failures": "", "status_at": "" } };
    let updated = connection.registrations.update_many(first, update);
    updated.await.map(drop)
}

/// Never lowers it.
async fn set_version(connection: &Connection, version: i32) -> Result<()> {
    let schema = connection.database.collection::<Document>(SCHEMA);
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
async fn collection(connection: &Connection, name: &str, validator: Document) -> Result<()> {
    let made = connection.database.create_collection(name);
    match made.validator(validator.clone()).await {
        Err(error) if is(&error, NAMESPACE_EXISTS) => revalidate(connection, name, validator).await,
        made => made,
    }
}

/// Changing a validator is a right that readWrite lacks, hence only where it is not that already.
async fn revalidate(connection: &Connection, name: &str, validator: Document) -> Result<()> {
    let mut found = connection
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
    connection.database.run_command(change).await.map(drop)
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
        "refusals": { "bsonType": "int", "minimum": 0, "description": "of its push service, since it last accepted" },
        "days": { "bsonType": "int", "minimum": 0, "description": "on which there were some" },
        "since": { "bsonType": "long", "description": "when the first was, Unix milliseconds" },
        "last": { "bsonType": "long", "description": "when the last was, Unix milliseconds" },
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
