//! The lease: which of several instances is at work.

use crate::compose::Backend;
use crate::config::Config;
use crate::exit::Failure;
use crate::runtime::seed;
use push_driver::lease::{Contender, Held};

/// Returns who has to hold a lease before any work; `None` where there is none to hold.
pub(crate) async fn contender(
    config: &Config,
    backend: &dyn Backend,
) -> Result<Option<Contender>, Failure> {
    let Some(duration) = config.lease else {
        return Ok(None);
    };
    let Some(leases) = backend.leases().await.map_err(Failure::Store)? else {
        return Ok(None);
    };
    // Those who would connect as the same components contend.
    let name = config.components();
    let holder = seed()?.map(|byte| format!("{byte:02x}")).concat();
    Ok(Some(Contender::new(leases, &name, &holder, duration)))
}

/// Waits for the end of the lease; for ever without one.
pub(super) async fn lost(held: &mut Option<Held>) {
    match held {
        Some(held) => held.lost().await,
        None => std::future::pending().await,
    }
}
