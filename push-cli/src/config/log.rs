//! `[log]`, and the variable that takes the place of the level.

use super::reader::Reader;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogSettings {
    pub(crate) format: LogFormat,
    pub(crate) level: LevelFilter,
    /// Directives that take the place of the level; they can be parsed.
    pub(crate) filter: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

pub(super) fn log(reader: &mut Reader<'_>) -> LogSettings {
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    let format = reader.choice("log.format", &formats);
    let levels = "one of \"error\", \"warn\", \"info\", \"debug\", \"trace\"";
    let level = reader.parsed("log.level", levels, |text| text.parse().ok());
    let filter = reader.log_filter(|text| {
        let parsed = EnvFilter::builder().parse(text);
        parsed.is_ok().then(|| text.to_owned())
    });
    LogSettings {
        format: format.unwrap_or(LogFormat::Text),
        level: level.unwrap_or(LevelFilter::INFO),
        filter,
    }
}
