//! Keeps registrations in MongoDB.
//!
//! ```no_run
//! use push_store_mongo::{MongoConfig, open};
//!
//! # async fn run() -> Result<(), push_core::store::StoreError> {
//! let store = open(MongoConfig::new("mongodb://push:secret@db.example.org/push")).await?;
//! # Ok(())
//! # }
//! ```

mod commit;
mod config;
mod enable;
mod error;
mod lease;
mod portion;
mod read;
mod row;
mod schema;
mod server;
mod store;

pub use config::MongoConfig;
pub use store::MongoStore;

use push_core::store::StoreError;

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

/// What [`migrate`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The version that was found; 0 of a database that had nothing of this program.
    pub from: u32,
    /// The version it is of now.
    pub to: u32,
}

/// Brings the database to this program's version, whatever [`MongoConfig::auto_migrate`] says.
///
/// # Errors
///
/// As [`open`].
pub async fn migrate(config: MongoConfig) -> Result<Migrated, StoreError> {
    MongoStore::new(config).await?.migrate().await
}
