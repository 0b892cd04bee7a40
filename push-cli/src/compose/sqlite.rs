//! One file.

use super::backend::Backend;
use crate::config::StoreSettings;
use async_trait::async_trait;
use push_core::lease::LeaseStore;
use push_core::store::{Migrated, RegistrationStore, StoreError};
use push_store_sqlite::{FileLease, SqliteConfig, open};
use std::sync::Arc;

pub(super) struct Sqlite {
    config: SqliteConfig,
}

impl Sqlite {
    pub(super) fn new(settings: &StoreSettings) -> Self {
        let config = SqliteConfig {
            auto_migrate: settings.auto_migrate,
            ..SqliteConfig::new(&settings.path).with_timeouts(&settings.timeouts)
        };
        Self { config }
    }
}

#[async_trait]
impl Backend for Sqlite {
    async fn open(&self) -> Result<Arc<dyn RegistrationStore>, StoreError> {
        Ok(Arc::new(open(self.config.clone())?))
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.open().await?.load(&[]).await.map(drop)
    }

    async fn migrate(&self) -> Result<Migrated, StoreError> {
        push_store_sqlite::migrate(&self.config)
    }

    async fn leases(&self) -> Result<Option<Arc<dyn LeaseStore>>, StoreError> {
        Ok(Some(Arc::new(FileLease::new(&self.config.path))))
    }
}
