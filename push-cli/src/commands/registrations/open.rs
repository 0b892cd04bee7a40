//! The store that a command works on.

use crate::compose;
use crate::config::{BackendKind, Config};
use crate::exit::Failure;
use push_core::store::{RegistrationStore, StoreError};
use std::sync::Arc;

/// Opens the store of a configuration; with `as_stored`, sealed options stay sealed.
pub(super) async fn open(
    config: &Config,
    as_stored: bool,
) -> Result<Arc<dyn RegistrationStore>, Failure> {
    let settings = &config.store;
    if settings.backend == BackendKind::Memory {
        let reason = "the backend \"memory\" is in the service's own process".to_owned();
        return Err(Failure::Store(StoreError::Refused { reason }));
    }
    let backend = if as_stored {
        compose::backend_as_stored(settings)
    } else {
        compose::backend(settings)
    };
    let opened = backend.map_err(Failure::Store)?.open().await;
    opened.map_err(Failure::Store)
}
