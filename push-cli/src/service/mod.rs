//! The life of a service: waiting for its turn, working, stopping, and following its configuration all the while.

mod reload;
mod shards;
mod signals;
mod standby;

pub(crate) use shards::Shards;
pub(crate) use standby::contender;

use crate::compose;
use crate::config::{Config, ConfigFile};
use crate::exit::Failure;
use crate::lock::InstanceLock;
use crate::logging::Log;
use push_core::store::RegistrationStore;
use push_driver::lease::Held;
use reload::Reloader;
use signals::StopSignals;
use standby::lost;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tracing::{info, warn};

/// Serves until told to stop. The lock of a store that is used is left to the caller.
pub(crate) async fn serve(
    file: ConfigFile,
    config: Config,
    log: Log,
    lock: &mut Option<InstanceLock>,
) -> Result<(), Failure> {
    let stop = StopSignals::new()?;
    let config = Arc::new(config);
    let (reloader, followed) = Reloader::new(file, log, Arc::clone(&config))?;
    let mut service = Service {
        config,
        followed,
        stop,
    };
    tokio::select! {
        ended = service.run(lock) => ended,
        never = reloader.run() => match never {},
    }
}

struct Service {
    /// The configuration at the start: what is below does not change while the process runs.
    config: Arc<Config>,
    /// The configuration as it is followed by now.
    followed: watch::Receiver<Arc<Config>>,
    stop: StopSignals,
}

/// Why the work ended.
enum Ended {
    Stopped,
    /// Another instance may be at work by now.
    LeaseLost,
}

impl Service {
    /// Works, where there is a lease whenever it is held.
    async fn run(&mut self, lock: &mut Option<InstanceLock>) -> Result<(), Failure> {
        let config = Arc::clone(&self.config);
        let backend = compose::backend(&config.store).map_err(Failure::Store)?;
        let Some(contender) = contender(&config, &*backend).await? else {
            *lock = Some(InstanceLock::take(&config.store)?);
            let store = backend.open().await.map_err(Failure::Store)?;
            return self.work(&store, None).await.map(drop);
        };
        loop {
            let held = tokio::select! {
                held = contender.acquire() => held,
                () = self.stop.next() => return Ok(()),
            };
            *lock = Some(InstanceLock::succeed(&config.store).await?);
            let store = backend.open().await.map_err(Failure::Store)?;
            let store = held
                .guard(store, &config.store.timeouts)
                .map_err(Failure::Store)?;
            if let Ended::Stopped = self.work(&store, Some(held)).await? {
                return Ok(());
            }
            drop(store);
            *lock = None;
        }
    }

    /// Works until told to stop, or until the lease is lost.
    async fn work(
        &mut self,
        store: &Arc<dyn RegistrationStore>,
        mut held: Option<Held>,
    ) -> Result<Ended, Failure> {
        let config = Arc::clone(&self.followed.borrow_and_update());
        let mut shards = Shards::start(&config, store, held.as_ref().map(Held::fence))?;
        let (component, hosts) = (config.components(), config.hosts().join(", "));
        info!(
            version = env!("CARGO_PKG_VERSION"),
            component, hosts, "started"
        );
        loop {
            tokio::select! {
                failure = shards.died() => return Err(failure),
                () = lost(&mut held) => return Ok(Ended::LeaseLost),
                () = self.stop.next() => break,
                Ok(()) = self.followed.changed() => shards.configure(&self.followed.borrow_and_update()),
            }
        }
        info!("stopping: waiting for what is in work");
        let patience = self.followed.borrow().drain_timeout;
        self.drain(shards, &mut held, patience).await?;
        if let Some(held) = held {
            held.release().await;
        }
        Ok(Ended::Stopped)
    }

    /// Ends what is in work, if nothing ends it sooner.
    async fn drain(
        &mut self,
        shards: Shards,
        held: &mut Option<Held>,
        patience: Duration,
    ) -> Result<(), Failure> {
        tokio::select! {
            drained = shards.drain() => {
                drained?;
                info!("stopped");
            }
            () = self.stop.next() => warn!("stopped at once; what was in work is repeated by the adapters at the next start"),
            () = lost(held) => warn!("stopped with work left; another instance has it repeated by the adapters"),
            () = tokio::time::sleep(patience) => {
                warn!(?patience, "stopped with work left; it is repeated by the adapters at the next start");
            }
        }
        Ok(())
    }
}
