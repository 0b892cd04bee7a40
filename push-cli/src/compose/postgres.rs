//! PostgreSQL.

use super::backend::Backend;
use super::server::{service, standby};
use crate::config::StoreSettings;
use async_trait::async_trait;
use push_core::lease::LeaseStore;
use push_core::store::{Migrated, RegistrationStore, StoreError};
use push_store_postgres::{PostgresConfig, PostgresStore};
use std::sync::Arc;

pub(super) struct Postgres {
    config: PostgresConfig,
    store: Arc<PostgresStore>,
}

impl Postgres {
    pub(super) fn new(settings: &StoreSettings) -> Result<Self, StoreError> {
        let pool = &settings.pool;
        let config = PostgresConfig {
            pool_size: pool.size,
            wait_timeout: pool.wait_timeout,
            connect_timeout: pool.connect_timeout,
            auto_migrate: settings.auto_migrate,
            ..PostgresConfig::new(&settings.url).with_timeouts(&settings.timeouts)
        };
        let store = Arc::new(PostgresStore::new(&config)?);
        Ok(Self { config, store })
    }
}

#[async_trait]
impl Backend for Postgres {
    async fn open(&self) -> Result<Arc<dyn RegistrationStore>, StoreError> {
        service(self.store.ready().await)?;
        Ok(self.store.clone())
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.store.ready().await
    }

    async fn migrate(&self) -> Result<Migrated, StoreError> {
        push_store_postgres::migrate(&self.config).await
    }

    async fn leases(&self) -> Result<Option<Arc<dyn LeaseStore>>, StoreError> {
        standby(self.store.ready().await)?;
        Ok(Some(self.store.clone()))
    }
}
