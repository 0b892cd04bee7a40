//! `xmpp-push run`: the life of the process.

use crate::compose::Backend;
use crate::config::Config;
use crate::exit::Failure;
use crate::lock::InstanceLock;
use crate::shards::Shards;
use crate::{compose, logging};
use push_core::store::RegistrationStore;
use push_driver::lease::{Contender, Held};
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

/// Runs until told to stop.
pub(crate) fn run(file: &Path) -> Result<(), Failure> {
    let config = Config::load(file).map_err(Failure::Config)?;
    logging::start(config.log);
    for file in &config.store.encryption.exposed {
        warn!(file = %file.display(), "every user can read this key");
    }
    let runtime = runtime()?;
    let mut lock = None;
    let outcome = runtime.block_on(serve(&config, &mut lock));
    // The lock outlives the store, which finishes its work when it is dropped.
    drop(runtime);
    drop(lock);
    outcome
}

/// A runtime for everything that waits.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    let failed = |error: io::Error| Failure::Internal(format!("no runtime: {error}"));
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(failed)
}

/// 32 bytes from the operating system.
pub(crate) fn seed() -> Result<[u8; 32], Failure> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|error| Failure::Internal(format!("no randomness: {error}")))?;
    Ok(seed)
}

async fn serve(config: &Config, lock: &mut Option<InstanceLock>) -> Result<(), Failure> {
    let mut stop =
        StopSignals::new().map_err(|error| Failure::Internal(format!("no signals: {error}")))?;
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
        let store = backend.open().await.map_err(Failure::Store)?;
        let store = held
            .guard(store, &config.store.timeouts)
            .map_err(Failure::Store)?;
        if let Ended::Stopped = work(config, &store, Some(held), &mut stop).await? {
            return Ok(());
        }
        drop(store);
        *lock = None;
    }
}

/// Whoever must hold a lease before they may work.
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

/// Waits for the end of the lease; for ever without one.
async fn lost(held: &mut Option<Held>) {
    match held {
        Some(held) => held.lost().await,
        None => std::future::pending().await,
    }
}

/// SIGTERM and SIGINT.
struct StopSignals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl StopSignals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
