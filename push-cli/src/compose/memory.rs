//! The store that forgets.

use super::backend::Backend;
use async_trait::async_trait;
use push_core::MemoryStore;
use push_core::lease::LeaseStore;
use push_core::store::{Migrated, RegistrationStore, StoreError};
use std::sync::Arc;

pub(super) struct Memory;

#[async_trait]
impl Backend for Memory {
    async fn open(&self) -> Result<Arc<dyn RegistrationStore>, StoreError> {
        Ok(Arc::new(MemoryStore::new()))
    }

    async fn probe(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn migrate(&self) -> Result<Migrated, StoreError> {
        Err(StoreError::Refused {
            reason: "the backend \"memory\" has nothing to migrate".to_owned(),
        })
    }

    async fn leases(&self) -> Result<Option<Arc<dyn LeaseStore>>, StoreError> {
        Ok(None)
    }
}
