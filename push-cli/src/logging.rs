//! Log lines on standard error.

use crate::config::{LogFormat, LogSettings};
use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging. `RUST_LOG` overrides the configured level.
pub(crate) fn start(settings: &LogSettings) {
    let filter = filter(settings);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    match settings.format {
        LogFormat::Text => log
            .with_ansi(false)
            .finish()
            .with(filter_fn(is_discreet))
            .init(),
        LogFormat::Json => log.json().finish().with(filter_fn(is_discreet)).init(),
    }
}

/// Returns the filter of the variable `RUST_LOG`, if it is set, otherwise that of the level.
fn filter(settings: &LogSettings) -> EnvFilter {
    let level = || settings.level.to_string();
    EnvFilter::new(settings.filter.clone().unwrap_or_else(level))
}

/// Below `info` libraries tell what they are given: tokio-postgres the parameters of each statement, hence users and nodes.
fn is_discreet(what: &Metadata<'_>) -> bool {
    let ours = ["push_", "xmpp_push"];
    *what.level() <= Level::INFO || ours.iter().any(|ours| what.target().starts_with(ours))
}
