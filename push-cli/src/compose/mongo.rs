//! MongoDB.

use super::backend::Backend;
use super::server::{service, standby};
use crate::config::StoreSettings;
use async_trait::async_trait;
use push_core::lease::LeaseStore;
use push_core::store::{Migrated, RegistrationStore, StoreError};
use push_store_mongo::{MongoConfig, MongoStore};
use std::sync::Arc;
use tokio::sync::OnceCell;

pub(super) struct Mongo {
    config: MongoConfig,
    /// Making it may resolve names.
    store: OnceCell<Arc<MongoStore>>,
}

impl Mongo {
    pub(super) fn new(settings: &StoreSettings) -> Self {
        let pool = &settings.pool;
        let config = MongoConfig {
            pool_size: u32::try_from(pool.size).unwrap_or(u32::MAX),
            selection_timeout: pool.wait_timeout,
            connect_timeout: pool.connect_timeout,
            auto_migrate: settings.auto_migrate,
            ..MongoConfig::new(&settings.url).with_timeouts(&settings.timeouts)
        };
        Self {
            config,
            store: OnceCell::new(),
        }
    }

    async fn store(&self) -> Result<&Arc<MongoStore>, StoreError> {
        let make = || async { MongoStore::new(self.config.clone()).await.map(Arc::new) };
        self.store.get_or_try_init(make).await
    }
}

#[async_trait]
impl Backend for Mongo {
    async fn open(&self) -> Result<Arc<dyn RegistrationStore>, StoreError> {
        let store = self.store().await?;
        service(store.ready().await)?;
        Ok(store.clone())
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.store().await?.ready().await
    }

    async fn migrate(&self) -> Result<Migrated, StoreError> {
        push_store_mongo::migrate(self.config.clone()).await
    }

    async fn leases(&self) -> Result<Option<Arc<dyn LeaseStore>>, StoreError> {
        let store = self.store().await?;
        standby(store.ready().await)?;
        Ok(Some(store.clone()))
    }
}
