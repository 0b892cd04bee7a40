//! Which stores this program was built with: the only file that knows features.

use crate::config::StoreSettings;
use push_core::MemoryStore;
use push_core::store::{RegistrationStore, StoreError};
use push_driver::sealed::SealedStore;
use std::path::PathBuf;
use std::sync::Arc;

/// The names of the backends that are built in.
pub(crate) const BACKENDS: &[&str] = &[
    #[cfg(feature = "sqlite")]
    "sqlite",
    "memory",
];

/// Opens the configured store. Must be called inside of a tokio runtime.
pub(crate) fn open(settings: &StoreSettings) -> Result<Arc<dyn RegistrationStore>, StoreError> {
    let store = open_as_stored(settings)?;
    // Also without a key: sealed options in the store are noticed then.
    let keys = settings.encryption.keys.clone();
    Ok(Arc::new(SealedStore::new(store, keys)))
}

/// Opens the configured store; sealed options stay sealed.
pub(crate) fn open_as_stored(
    settings: &StoreSettings,
) -> Result<Arc<dyn RegistrationStore>, StoreError> {
    match settings.backend.as_str() {
        #[cfg(feature = "sqlite")]
        "sqlite" => {
            let config = push_store_sqlite::SqliteConfig::new(&settings.path);
            Ok(Arc::new(push_store_sqlite::open(config)?))
        }
        "memory" => Ok(Arc::new(MemoryStore::new())),
        other => Err(StoreError::Refused {
            reason: format!("backend {other:?} is not built in"),
        }),
    }
}

/// The file whose lock says that an instance runs with this store; `None` where two may.
pub(crate) fn lock_file(settings: &StoreSettings) -> Option<PathBuf> {
    let mut file = settings.path.clone().into_os_string();
    file.push(".lock");
    (settings.backend == "sqlite").then(|| file.into())
}
