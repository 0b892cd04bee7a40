//! `xmpp-push run`: the life of the process.

use crate::config::Config;
use crate::exit::Failure;
use crate::lock::InstanceLock;
use crate::{compose, logging};
use push_core::Machine;
use push_driver::{Driver, DriverConfig, Handle};
use push_transport_xmpp::Stream;
use std::io;
use std::path::Path;
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
    let lock = InstanceLock::take(&config.store)?;
    let runtime = runtime()?;
    let outcome = runtime.block_on(serve(config));
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

/// The driver of a configuration, its stream starting to connect.
pub(crate) fn driver(config: Config) -> Result<(Driver, Handle), Failure> {
    let store = compose::open(&config.store).map_err(Failure::Store)?;
    let stream = Stream::start(config.stream, seed()?);
    let machine = Machine::new(config.settings, seed()?);
    let driver = DriverConfig {
        call_timeout: config.call_timeout,
    };
    Ok(Driver::new(machine, Box::new(stream), store, driver))
}

async fn serve(config: Config) -> Result<(), Failure> {
    let patience = config.drain_timeout;
    let (component, hosts) = (
        config.settings.component.clone(),
        config.settings.hosts.join(", "),
    );
    let (driver, handle) = driver(config)?;
    info!(
        version = env!("CARGO_PKG_VERSION"),
        component, hosts, "started"
    );
    let mut running = tokio::spawn(driver.run());
    let mut stop =
        StopSignals::new().map_err(|error| Failure::Internal(format!("no signals: {error}")))?;
    tokio::select! {
        ended = &mut running => return Err(died(ended)),
        () = stop.next() => info!("stopping: waiting for what is in work"),
    }
    let drained = async {
        handle.drain().await;
        // Closing the stream is what is left.
        running.await
    };
    tokio::select! {
        ended = drained => return ended.map(|()| info!("stopped")).map_err(|error| died(Err(error))),
        () = stop.next() => warn!("stopped at once; what was in work is repeated by the adapters at the next start"),
        () = tokio::time::sleep(patience) => {
            warn!(?patience, "stopped with work left; it is repeated by the adapters at the next start");
        }
    }
    Ok(())
}

fn died(ended: Result<(), tokio::task::JoinError>) -> Failure {
    Failure::Internal(ended.map_or_else(
        |error| error.to_string(),
        |()| "the driver ended by itself".to_owned(),
    ))
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
