//! Log lines on standard error.

use crate::config::{LogFormat, LogSettings};
use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

/// A log whose level can be changed.
#[derive(Clone, Debug)]
pub(crate) struct Log(reload::Handle<EnvFilter, Registry>);

/// Starts logging. `RUST_LOG` takes the place of the configured level.
pub(crate) fn start(settings: &LogSettings) -> Log {
    let (level, handle) = reload::Layer::new(filter(settings));
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false);
    let lines = match settings.format {
        LogFormat::Text => lines.with_ansi(false).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    tracing_subscriber::registry()
        .with(level)
        .with(filter_fn(is_discreet))
        .with(lines)
        .init();
    Log(handle)
}

impl Log {
    /// Applies the level of other settings.
    pub(crate) fn follow(&self, settings: &LogSettings) {
        if let Err(error) = self.0.reload(filter(settings)) {
            tracing::error!(%error, "the log level stays as it was");
        }
    }
}

/// Returns the filter of the variable `RUST_LOG` if it is set, otherwise that of the level.
fn filter(settings: &LogSettings) -> EnvFilter {
    let level = || settings.level.to_string();
    EnvFilter::new(settings.filter.clone().unwrap_or_else(level))
}

/// Below `info` libraries tell what they are given: tokio-postgres the parameters of each statement, hence users and nodes.
fn is_discreet(metadata: &Metadata<'_>) -> bool {
    let ours = ["push_", "xmpp_push"];
    *metadata.level() <= Level::INFO || ours.iter().any(|ours| metadata.target().starts_with(ours))
}
