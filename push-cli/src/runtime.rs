//! The runtime and the randomness that every command needs.

use crate::exit::Failure;
use std::io;
use tokio::runtime::{Builder, Runtime};

/// Starts a runtime for everything that waits.
pub(crate) fn start() -> Result<Runtime, Failure> {
    let failed = |error: io::Error| Failure::Internal(format!("no runtime: {error}"));
    Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(failed)
}

/// Draws 32 bytes from the operating system.
pub(crate) fn seed() -> Result<[u8; 32], Failure> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|error| Failure::Internal(format!("no randomness: {error}")))?;
    Ok(seed)
}
