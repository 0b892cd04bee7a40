//! Log lines on standard error.

use crate::config::{LogFormat, LogSettings};
use tracing_subscriber::EnvFilter;

/// Starts logging. `RUST_LOG` overrides the configured level.
pub(crate) fn start(settings: LogSettings) {
    let level = settings.level.to_string();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    match settings.format {
        LogFormat::Text => log.with_ansi(false).init(),
        LogFormat::Json => log.json().init(),
    }
}
