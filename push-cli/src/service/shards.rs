//! The shards of a process: a stream and a Machine each, on a thread of their own, over one store.

use crate::config::Config;
use crate::exit::Failure;
use crate::runtime::seed;
use push_core::lease::Fence;
use push_core::store::RegistrationStore;
use push_core::{Machine, Settings};
use push_driver::{Driver, DriverConfig, Handle, on_own_thread};
use push_transport_xmpp::{Stream, StreamConfig};
use std::io;
use std::sync::Arc;
use tokio::task::{JoinError, JoinSet};
use tracing::{Instrument, Span, info_span};

/// All shards at work. Dropping it stops them at once.
pub(crate) struct Shards {
    running: JoinSet<io::Result<()>>,
    handles: Vec<Handle>,
    fence: Option<Fence>,
}

impl Shards {
    /// Begins to connect each shard.
    pub(crate) fn start(
        config: &Config,
        store: &Arc<dyn RegistrationStore>,
        fence: Option<Fence>,
    ) -> Result<Self, Failure> {
        let (mut running, mut handles) = (JoinSet::new(), Vec::new());
        let several = config.shards().nth(1).is_some();
        for (stream, settings) in configured(config, fence) {
            let component = settings.component.clone();
            let driver = DriverConfig {
                call_timeout: config.store.timeouts.call(),
            };
            let stream = Box::new(Stream::start(stream, seed()?));
            let machine = Machine::new(settings, seed()?);
            let (driver, handle) = Driver::new(machine, stream, Arc::clone(store), driver);
            // Lines of several shards must be told apart.
            let span = if several {
                info_span!("shard", component)
            } else {
                Span::none()
            };
            running.spawn(on_own_thread("stream", driver.run().instrument(span)));
            handles.push(handle);
        }
        Ok(Self {
            running,
            handles,
            fence,
        })
    }

    /// Has each shard follow a configuration that names the same components.
    pub(crate) fn configure(&self, config: &Config) {
        for ((_, settings), handle) in configured(config, self.fence).zip(&self.handles) {
            handle.configure(settings);
        }
    }

    /// A handle for each shard, in the order of the configuration.
    pub(crate) fn handles(&self) -> &[Handle] {
        &self.handles
    }

    /// Waits until one of them ends, which none does by itself.
    pub(crate) async fn died(&mut self) -> Failure {
        match self.running.join_next().await {
            Some(Err(error)) => failure(&error),
            Some(Ok(Err(error))) => no_thread(&error),
            _ => Failure::Internal("a driver ended by itself".to_owned()),
        }
    }

    /// Ends what is in work, then the streams.
    pub(crate) async fn drain(mut self) -> Result<(), Failure> {
        let mut draining = JoinSet::new();
        for handle in self.handles {
            draining.spawn(async move { handle.drain().await });
        }
        draining.join_all().await;
        while let Some(ended) = self.running.join_next().await {
            let ended = ended.map_err(|error| failure(&error))?;
            ended.map_err(|error| no_thread(&error))?;
        }
        Ok(())
    }
}

/// Returns what each shard is told, under this lease.
fn configured(
    config: &Config,
    fence: Option<Fence>,
) -> impl Iterator<Item = (StreamConfig, Settings)> {
    config.shards().map(move |(stream, mut settings)| {
        settings.fence = fence;
        (stream, settings)
    })
}

fn failure(error: &JoinError) -> Failure {
    Failure::Internal(error.to_string())
}

fn no_thread(error: &io::Error) -> Failure {
    Failure::Internal(format!("no thread: {error}"))
}
