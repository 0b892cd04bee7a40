//! PostgreSQL: the suites, and what only a server can suffer.

#[path = "../durable.rs"]
mod durable;
#[path = "../lease.rs"]
mod lease;
#[path = "../suite.rs"]
mod suite;

mod access;
mod contention;
mod cost;
mod crash;
mod dropped;
mod outage;
mod partitioned;
mod silence;
mod statements;
mod tls;
mod unreadable;
mod version;

use push_core::lease::LeaseStore;
use push_store_postgres::{PostgresConfig, PostgresStore, open};
use push_tests::database::postgres::{Database, fresh_database};
use push_tests::store::Fresh;
use std::sync::Arc;
use std::time::Duration;

async fn fresh() -> Fresh {
    attach(fresh_database().await.unwrap()).await
}

async fn reopen(store: Fresh) -> Fresh {
    attach(store.close()).await
}

async fn attach(database: Database) -> Fresh {
    Fresh::new(connect(&database).await, database)
}

async fn leases() -> Arc<dyn LeaseStore> {
    Arc::new(connect(&fresh_database().await.unwrap()).await)
}

async fn connect(database: &Database) -> PostgresStore {
    open(&config(database)).await.unwrap()
}

/// A store in a database of its own.
async fn store() -> (Database, PostgresStore) {
    let database = fresh_database().await.unwrap();
    let store = connect(&database).await;
    (database, store)
}

fn config(database: &Database) -> PostgresConfig {
    PostgresConfig::new(database.url())
}

/// Does not keep a test waiting for what will not come.
fn hasty(database: &Database) -> PostgresConfig {
    PostgresConfig {
        wait_timeout: Duration::from_millis(300),
        connect_timeout: Duration::from_secs(1),
        call_timeout: Duration::from_secs(2),
        ..config(database)
    }
}

/// Waits until nobody is connected: servers tell at the end of a connection what they did in it.
async fn closed(database: &Database) {
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    while database.execute(open).await.unwrap() != "0" {}
}
