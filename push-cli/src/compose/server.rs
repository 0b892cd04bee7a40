//! Stores that are servers, which may be away for a while.

use push_core::store::StoreError;

/// A database server that is away does not keep a service from starting; anything else does.
pub(super) fn service(ready: Result<(), StoreError>) -> Result<(), StoreError> {
    if let Err(error @ StoreError::Unavailable { .. }) = &ready {
        tracing::warn!(%error, "started without the store: requests are refused with wait until it is there");
    }
    standby(ready)
}

/// A server that is away does not keep an instance from waiting for its turn either.
pub(super) fn standby(ready: Result<(), StoreError>) -> Result<(), StoreError> {
    match ready {
        Err(StoreError::Unavailable { .. }) => Ok(()),
        ready => ready,
    }
}
