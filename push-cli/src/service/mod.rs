//! The life of a service: waiting for its turn, working, stopping.

mod shards;
mod signals;
mod standby;

pub(crate) use shards::Shards;
pub(crate) use standby::contender;

use crate::compose;
use crate::config::Config;
use crate::exit::Failure;
use crate::lock::InstanceLock;
use push_core::store::RegistrationStore;
use push_driver::lease::Held;
use signals::StopSignals;
use standby::lost;
use std::sync::Arc;
use tracing::{info, warn};

/// Serves until told to stop. The lock of a store that is used is left to the caller.
pub(crate) async fn serve(config: &Config, lock: &mut Option<InstanceLock>) -> Result<(), Failure> {
    let mut stop = StopSignals::new()?;
    let backend = compose::backend(&config.store).map_err(Failure::Store)?;
    let Some(contender) = contender(config, &*backend).await? else {
        *lock = Some(InstanceLock::take(&config.store)?);
        let store = backend.open().await.map_err(Failure::Store)?;
        return work(config, &store, None, &mut stop).await.map(drop);
    };
    loop {
        let held = tokio::select! {
            held = contender.acquire() => held,
            () = stop.next() => return Ok(()),
        };
        *lock = Some(InstanceLock::succeed(&config.store).await?);
        let store = held.guard(backend.open().await.map_err(Failure::Store)?);
        if let Ended::Stopped = work(config, &store, Some(held), &mut stop).await? {
            return Ok(());
        }
        drop(store);
        *lock = None;
    }
}

/// Why the work ended.
enum Ended {
    Stopped,
    /// Another instance may be at work by now.
    LeaseLost,
}

/// Serves until told to stop, or until the lease is lost.
async fn work(
    config: &Config,
    store: &Arc<dyn RegistrationStore>,
    mut held: Option<Held>,
    stop: &mut StopSignals,
) -> Result<Ended, Failure> {
    let mut shards = Shards::start(config, store, held.as_ref().map(Held::fence))?;
    let (component, hosts) = (config.components(), config.hosts().join(", "));
    info!(
        version = env!("CARGO_PKG_VERSION"),
        component, hosts, "started"
    );
    tokio::select! {
        failure = shards.died() => return Err(failure),
        () = lost(&mut held) => return Ok(Ended::LeaseLost),
        () = stop.next() => info!("stopping: waiting for what is in work"),
    }
    tokio::select! {
        drained = shards.drain() => {
            drained?;
            info!("stopped");
        }
        () = stop.next() => warn!("stopped at once; what was in work is repeated by the adapters at the next start"),
        () = lost(&mut held) => warn!("stopped with work left; another instance has it repeated by the adapters"),
        () = tokio::time::sleep(config.drain_timeout) => {
            let patience = config.drain_timeout;
            warn!(?patience, "stopped with work left; it is repeated by the adapters at the next start");
        }
    }
    if let Some(held) = held {
        held.release().await;
    }
    Ok(Ended::Stopped)
}
