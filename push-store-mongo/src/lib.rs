//! Keeps registrations and leases in MongoDB.
//!
//! ```no_run
//! use push_core::store::RegistrationStore;
//! use push_store_mongo::{MongoConfig, open};
//!
//! # async fn run() -> Result<(), push_core::store::StoreError> {
//! let store = open(MongoConfig::new("mongodb://push:secret@db.example.org/push")).await?;
//! println!("{} registrations", store.counts().await?.total());
//! # Ok(())
//! # }
//! ```
//!
//! # Servers
//!
//! MongoDB 5.0 or later: a replica set, of one member perhaps, or a sharded cluster. A standalone server does, with one
//! promise less: removing several registrations at once takes a transaction, which it lacks, so that a crash in the midst
//! of it may leave some. No command is used that only later servers have; bulk writes of the client, which came with 8.0,
//! are not.
//!
//! The user needs the role `readWrite` on the database; to give a validator to a collection that was made by other hands,
//! `dbAdmin`. TLS, certificates and where the user is known are options of the URI (`tls=true`, `tlsCAFile=…`,
//! `authSource=…`).
//!
//! # Calls
//!
//! An enable is an upsert, the enables of different users one command; other changes are one command each, several of
//! them at a time. Changes of one user are done one after the other, in order. A change of one registration is one
//! document's, hence atomic; a removal of several is a transaction.
//!
//! Every call ends within [`MongoConfig::call_timeout`]; a command that writes ends at the server within
//! [`MongoConfig::statement_timeout`]. A lost connection or a primary that has stepped down is tried again once, so that
//! an election is seen only by calls that outlast [`MongoConfig::selection_timeout`].
//!
//! # Durability
//!
//! Writes are acknowledged by a majority of the replica set, each with its journal on disk; reads are of the primary, and
//! see what a majority has: nothing that was acknowledged or seen is undone by a failover.
//!
//! # Documents
//!
//! ```text
//! db.registration.findOne({owner: "alice@example.org"})
//! {
//!   _id: ObjectId("6b02fa77b9f16276e6ce234c"),
//!   bucket: 31332,                             // int: 16 bits of the owner's SHA-256
//!   owner: "alice@example.org",
//!   service: "push.example.net",
//!   node: "c0ffee",
//!   revision: Long("1877984935936000521"),
//!   status: "failing",                         // active, failing, quarantined
//!   refusals: 2,                               // int: since its push service last accepted; 0 when active
//!   days: 1,                                   // int: on which there were some; 0 when active
//!   since: Long("1790990000000"),              // when the first was, Unix milliseconds; 0 when active
//!   last: Long("1790990000000"),               // when the last was, Unix milliseconds; 0 when active
//!   enabled_at: Long("1790986000000"),         // Unix milliseconds
//!   updated_at: ISODate("2026-10-03T01:13:20Z"),
//!   document: '{"v":1,"options":[["secret","…"]],"resource":"phone","identity":"server"}'
//! }
//! ```
//!
//! The rest is JSON in one string, the same as in every other store: options come back byte for byte and in their
//! order, whatever they are called. A validator holds all writers to these names and types. The collection `schema` tells
//! the version, `lease` has the leases. Times of leases are the server's.
//!
//! # Sharding
//!
//! `registration` can be sharded by range on `{bucket: 1}`, at any time after it was made (`xmpp-push migrate`):
//!
//! ```text
//! sh.shardCollection("push.registration", {bucket: 1})
//! ```
//!
//! The one unique index begins with it, owners are spread evenly over its 65,536 values, and every write and every load
//! names it: each goes to one shard.

mod change;
mod command;
mod commit;
mod config;
mod connection;
mod enable;
mod error;
mod lease;
mod load;
mod migrate;
mod page;
mod portion;
mod ready;
mod row;
mod schema;
mod store;

pub use config::MongoConfig;
pub use store::MongoStore;

use push_core::store::{Migrated, StoreError};

/// Connects, and finds out whether the database can be used.
///
/// # Errors
///
/// As [`MongoStore::new`] and [`MongoStore::ready`].
pub async fn open(config: MongoConfig) -> Result<MongoStore, StoreError> {
    let store = MongoStore::new(config).await?;
    store.ready().await?;
    Ok(store)
}

/// Brings the database to this program's version, whatever [`MongoConfig::auto_migrate`] says.
///
/// # Errors
///
/// As [`open`].
pub async fn migrate(config: MongoConfig) -> Result<Migrated, StoreError> {
    MongoStore::new(config).await?.migrate().await
}
