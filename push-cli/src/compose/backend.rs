//! The contract between the program and a store.

use async_trait::async_trait;
use push_core::lease::LeaseStore;
use push_core::store::{Migrated, RegistrationStore, StoreError};
use std::sync::Arc;

/// A kind of store, as configured.
#[async_trait]
pub(crate) trait Backend: Send + Sync {
    /// The store, to be used by a service: one that cannot be reached right now is returned all the same, and tries again
    /// with each question. Must be called inside of a tokio runtime.
    async fn open(&self) -> Result<Arc<dyn RegistrationStore>, StoreError>;

    /// Whether the store can be used as it is, for a person who asks.
    async fn probe(&self) -> Result<(), StoreError>;

    /// Brings the database to the version of this program.
    async fn migrate(&self) -> Result<Migrated, StoreError>;

    /// Where instances agree on which of them is at work; `None` where there can be only one. Like [`Backend::open`], it
    /// fails of what does not pass.
    async fn leases(&self) -> Result<Option<Arc<dyn LeaseStore>>, StoreError>;
}
