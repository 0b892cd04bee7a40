//! Which stores this program was built with: the only file that knows features.

mod backend;
mod memory;
#[cfg(feature = "mongo")]
mod mongo;
#[cfg(feature = "postgres")]
mod postgres;
mod sealing;
#[cfg(any(feature = "postgres", feature = "mongo"))]
mod server;
#[cfg(feature = "sqlite")]
mod sqlite;

pub(crate) use backend::Backend;

use crate::config::StoreSettings;
use push_core::store::StoreError;
use std::path::PathBuf;

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
        "memory" => Ok(Box::new(memory::Memory)),
        other => Err(StoreError::Refused {
            reason: format!("backend {other:?} is not built in"),
        }),
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
