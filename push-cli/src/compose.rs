//! Which stores this program was built with: the only file that knows features.

#[cfg(feature = "mongo")]
mod mongo;
#[cfg(feature = "postgres")]
mod postgres;
mod sealing;
#[cfg(feature = "sqlite")]
mod sqlite;

use crate::config::{BackendKind, StoreSettings};
use async_trait::async_trait;
use push_core::MemoryStore;
use push_core::lease::LeaseStore;
use push_core::store::{RegistrationStore, StoreError};
use std::sync::Arc;

/// The backends that are built in.
pub(crate) const BACKENDS: &[BackendKind] = &[
    #[cfg(feature = "sqlite")]
    BackendKind::Sqlite,
    #[cfg(feature = "postgres")]
    BackendKind::Postgres,
    #[cfg(feature = "mongo")]
    BackendKind::Mongo,
    BackendKind::Memory,
];

/// A kind of store, as configured.
#[async_trait]
pub(crate) trait Backend: Send + Sync {
    /// The store, to be used by a service: one that cannot be reached right now is returned all the same, and tries again
    /// with each question. Must be called inside of a tokio runtime.
    async fn open(&self) -> Result<Arc<dyn RegistrationStore>, StoreError>;

    /// Whether the store can be used as it is, for a person who asks.
    async fn probe(&self) -> Result<(), StoreError>;

    /// Brings the database to the version of this program. Returns the versions before and after.
    async fn migrate(&self) -> Result<(u32, u32), StoreError>;

    /// Where instances agree on which of them is at work; `None` where there can be only one. Like [`Backend::open`], it
    /// fails of what does not pass.
    async fn leases(&self) -> Result<Option<Arc<dyn LeaseStore>>, StoreError>;
}

/// The configured backend. Connects to nothing.
pub(crate) fn backend(settings: &StoreSettings) -> Result<Box<dyn Backend>, StoreError> {
    let backend = backend_as_stored(settings)?;
    let keys = settings.encryption.keys.clone();
    Ok(Box::new(sealing::Sealing::new(backend, keys)))
}

/// The same, with sealed publish options left sealed.
pub(crate) fn backend_as_stored(settings: &StoreSettings) -> Result<Box<dyn Backend>, StoreError> {
    match settings.backend {
        #[cfg(feature = "sqlite")]
        BackendKind::Sqlite => Ok(Box::new(sqlite::Sqlite::new(settings))),
        #[cfg(feature = "postgres")]
        BackendKind::Postgres => Ok(Box::new(postgres::Postgres::new(settings)?)),
        #[cfg(feature = "mongo")]
        BackendKind::Mongo => Ok(Box::new(mongo::Mongo::new(settings))),
        BackendKind::Memory => Ok(Box::new(Memory)),
        #[cfg(not(all(feature = "sqlite", feature = "postgres", feature = "mongo")))]
        other => Err(StoreError::Refused {
            reason: format!("the backend \"{other}\" is not built in"),
        }),
    }
}

/// A database server that is away does not keep a service from starting; anything else does.
#[cfg(any(feature = "postgres", feature = "mongo"))]
fn service(ready: Result<(), StoreError>) -> Result<(), StoreError> {
    if let Err(error @ StoreError::Unavailable { .. }) = &ready {
        tracing::warn!(%error, "started without the store: requests are refused with wait until it is there");
    }
    standby(ready)
}

/// Nor does it keep an instance from waiting for its turn.
#[cfg(any(feature = "postgres", feature = "mongo"))]
fn standby(ready: Result<(), StoreError>) -> Result<(), StoreError> {
    match ready {
        Err(StoreError::Unavailable { .. }) => Ok(()),
        ready => ready,
    }
}

/// A store's own limit is a little less than a question's, so that its word comes first.
#[cfg(any(feature = "postgres", feature = "mongo"))]
fn own_timeout(settings: &StoreSettings) -> std::time::Duration {
    settings.call_timeout * 9 / 10
}

/// The store that forgets.
struct Memory;

#[async_trait]
impl Backend for Memory {
    async fn open(&self) -> Result<Arc<dyn RegistrationStore>, StoreError> {
        Ok(Arc::new(MemoryStore::new()))
    }

    async fn probe(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn migrate(&self) -> Result<(u32, u32), StoreError> {
        Err(StoreError::Refused {
            reason: "the backend \"memory\" has nothing to migrate".to_owned(),
        })
    }

    async fn leases(&self) -> Result<Option<Arc<dyn LeaseStore>>, StoreError> {
        Ok(None)
    }
}
