//! MongoDB: the suites, and what only a server can suffer.
//!
//! The server is one that stands in for MongoDB where there is no `mongod`; `MONGO_URI` names another for what needs no
//! server of its own.

#[path = "../durable.rs"]
mod durable;
#[path = "../lease.rs"]
mod lease;
#[path = "../suite.rs"]
mod suite;

mod access;
mod cost;
mod crash;
mod documents;
mod outage;
mod recorder;
mod standalone;
mod version;

use push_core::lease::LeaseStore;
use push_core::store::StoreError;
use push_store_mongo::{MongoConfig, MongoStore, open};
use push_tests::database::mongo::{Database, fresh_database};
use push_tests::store::Fresh;
use std::sync::Arc;
use std::time::Duration;

/// How many times slower than the other stores the stand-in is: it takes 4 ms for a write.
const SLOWNESS: usize = 5;

async fn fresh() -> Fresh {
    attach(fresh_database().await.unwrap()).await
}

async fn reopen(store: Fresh) -> Fresh {
    attach(store.close()).await
}

async fn attach(database: Database) -> Fresh {
    let store = open(config(&database)).await.unwrap();
    Fresh::new(store, database).slow(SLOWNESS)
}

async fn leases() -> Arc<dyn LeaseStore> {
    Arc::new(store().await.1)
}

/// A store in a database of its own.
async fn store() -> (Database, MongoStore) {
    let database = fresh_database().await.unwrap();
    let store = open(config(&database)).await.unwrap();
    (database, store)
}

/// Gives a busy machine time.
fn config(database: &Database) -> MongoConfig {
    MongoConfig {
        statement_timeout: Duration::from_secs(60),
        call_timeout: Duration::from_secs(60),
        ..MongoConfig::new(database.url())
    }
}

/// Does not keep a test waiting for a server that is away.
fn impatient(database: &Database) -> MongoConfig {
    MongoConfig {
        selection_timeout: Duration::from_millis(500),
        connect_timeout: Duration::from_millis(500),
        call_timeout: Duration::from_secs(2),
        ..MongoConfig::new(database.url())
    }
}

fn is_unavailable<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Unavailable { .. }))
}
