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

use crate::config::{BackendKind, StoreSettings};
use push_core::store::StoreError;

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
        BackendKind::Memory => Ok(Box::new(memory::Memory)),
        #[cfg(not(all(feature = "sqlite", feature = "postgres", feature = "mongo")))]
        other => Err(StoreError::Refused {
            reason: format!("the backend \"{other}\" is not built in"),
        }),
    }
}
