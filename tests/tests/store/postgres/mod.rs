//! PostgreSQL: the suites, and what only a server can suffer.

#[path = "../durable.rs"]
mod durable;
#[path = "../lease.rs"]
mod lease;
#[path = "../suite.rs"]
mod suite;

use push_core::lease::LeaseStore;
use push_store_postgres::{PostgresConfig, PostgresStore, open};
use push_tests::database::postgres::{Database, fresh_database};
use push_tests::store::Fresh;
use std::sync::Arc;

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
    open(&PostgresConfig::new(database.url())).await.unwrap()
}
