//! SIGHUP: reading the configuration again and following what can change while the service runs.

use super::signals::listen;
use crate::config::{Changes, Config, ConfigFile, Problems};
use crate::exit::Failure;
use crate::logging::Log;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind};
use tokio::sync::watch;
use tracing::{error, info, warn};

/// Reads the configuration again whenever it is asked to, whatever else the service waits for.
pub(super) struct Reloader {
    file: ConfigFile,
    log: Log,
    hangups: Signal,
    current: watch::Sender<Arc<Config>>,
}

impl Reloader {
    /// From here on SIGHUP does not end the process.
    pub(super) fn new(
        file: ConfigFile,
        log: Log,
        config: Arc<Config>,
    ) -> Result<(Self, watch::Receiver<Arc<Config>>), Failure> {
        let hangups = listen(SignalKind::hangup())?;
        let (current, followed) = watch::channel(config);
        let reloader = Self {
            file,
            log,
            hangups,
            current,
        };
        Ok((reloader, followed))
    }

    /// Follows the configuration for ever.
    pub(super) async fn run(mut self) -> Infallible {
        while self.hangups.recv().await.is_some() {
            let file = self.file.clone();
            // A file may be on a disk that does not answer.
            match tokio::task::spawn_blocking(move || file.read()).await {
                Ok(Ok(new)) => self.follow(new),
                Ok(Err(problems)) => keep(&problems),
                Err(error) => error!(%error, "the configuration was not read"),
            }
        }
        // The runtime ends, and with it the service.
        std::future::pending().await
    }

    fn follow(&self, new: Config) {
        let (followed, changes) = self.current.borrow().follow(new);
        self.log.follow(&followed.log);
        tell(&changes, &followed);
        self.current.send_replace(Arc::new(followed));
    }
}

/// Says why nothing changes.
fn keep(problems: &Problems) {
    for (place, problem) in problems.iter() {
        error!(place, problem, "the configuration cannot be used");
    }
    error!("the configuration was not reloaded: the service goes on with the one it has");
}

/// Says which keys have changed, without their values.
fn tell(changes: &Changes, followed: &Config) {
    let Changes { applied, restart } = changes;
    if !restart.is_empty() {
        let keys = restart.join(", ");
        warn!(
            keys,
            "needs a restart: these keys are not as they were at the start"
        );
    }
    if applied.contains(&"log.level") && followed.log.filter.is_some() {
        warn!("log.level has no effect while RUST_LOG is set");
    }
    if applied.is_empty() {
        info!("configuration reloaded: nothing changes");
    } else {
        let applied = applied.join(", ");
        info!(applied, "configuration reloaded");
    }
}
