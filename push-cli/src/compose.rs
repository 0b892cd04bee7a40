//! Which stores this program was built with: the only file that knows features.

#[cfg(feature = "mongo")]
mod mongo;
#[cfg(feature = "postgres")]
mod postgres;
mod sealing;
#[cfg(feature = "sqlite")]
mod sqlite;

use crate::config::StoreSettings;
use async_trait::async_trait;
use push_core::MemoryStore;
use push_core::lease::LeaseStore;
use push_core::store::{RegistrationStore, StoreError};
use std::path::PathBuf;
use std::sync::Arc;

/// The names of the backends that are built in.
pub(crate) const BACKENDS: &[&str] = &[
    #[cfg(feature = "sqlite")]
    "sqlite",
    #[cfg(feature = "postgres")]
    "postgres",
    #[cfg(feature = "mongo")]
    "mongo",
    "memory",
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
    match settings.backend.as_str() {
        #[cfg(feature = "sqlite")]
        "sqlite" => Ok(Box::new(sqlite::Sqlite::new(settings))),
        #[cfg(feature = "postgres")]
        "postgres" => Ok(Box::new(postgres::Postgres::new(settings)?)),
        #[cfg(feature = "mongo")]
        "mongo" => Ok(Box::new(mongo::Mongo::new(settings))),
        "memory" => Ok(Box::new(Memory)),
        other => Err(StoreError::Refused {
            reason: format!("backend {other:?} is not built in"),
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

/// Whether several instances can use such a store at the same time.
pub(crate) fn is_shared(backend: &str) -> bool {
    matches!(backend, "postgres" | "mongo")
}

/// The file whose lock says that an instance runs with this store; `None` where two may.
pub(crate) fn lock_file(settings: &StoreSettings) -> Option<PathBuf> {
    let mut file = settings.path.clone().into_os_string();
    file.push(".lock");
    (settings.backend == "sqlite").then(|| file.into())
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
