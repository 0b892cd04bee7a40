//! A backend whose publish options are sealed.

use super::backend::Backend;
use async_trait::async_trait;
use push_core::lease::LeaseStore;
use push_core::store::{Migrated, RegistrationStore, StoreError};
use push_driver::sealed::{Keys, SealedStore};
use std::sync::Arc;

/// Around every backend, also without a key: sealed options in the store are noticed then.
pub(super) struct Sealing {
    backend: Box<dyn Backend>,
    keys: Keys,
}

impl Sealing {
    pub(super) fn new(backend: Box<dyn Backend>, keys: Keys) -> Self {
        Self { backend, keys }
    }
}

#[async_trait]
impl Backend for Sealing {
    async fn open(&self) -> Result<Arc<dyn RegistrationStore>, StoreError> {
        let store = self.backend.open().await?;
        Ok(Arc::new(SealedStore::new(store, self.keys.clone())))
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.backend.probe().await
    }

    async fn migrate(&self) -> Result<Migrated, StoreError> {
        self.backend.migrate().await
    }

    async fn leases(&self) -> Result<Option<Arc<dyn LeaseStore>>, StoreError> {
        self.backend.leases().await
    }
}
