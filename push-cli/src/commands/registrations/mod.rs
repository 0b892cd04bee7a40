//! `xmpp-push registrations`: listing and counting them, and carrying them from store to store (docs/registrations.md).

mod export;
mod import;
mod line;
mod lines;
mod list;
mod open;
mod resume;
mod source;

use crate::args::RegistrationsCommand;
use crate::commands::output::print;
use crate::config::{Config, ConfigFile};
use crate::exit::Failure;
use crate::{logging, runtime};
use open::open;
use push_core::store::Counts;
use serde_json::json;

/// Does what the command says.
pub(in crate::commands) fn run(
    file: &ConfigFile,
    command: &RegistrationsCommand,
) -> Result<(), Failure> {
    let config = file.read().map_err(Failure::Config)?;
    logging::start(&config.log);
    runtime::start()?.block_on(async {
        match command {
            RegistrationsCommand::Export(args) => export::export(&config, args).await,
            RegistrationsCommand::Import(args) => import::import(&config, args).await,
            RegistrationsCommand::List(args) => list::list(&config, args).await,
            RegistrationsCommand::Count { json } => count(&config, *json).await,
        }
    })
}

async fn count(config: &Config, as_json: bool) -> Result<(), Failure> {
    let counts = open(config, true).await?.counts().await;
    let counts = counts.map_err(Failure::StoreFailed)?;
    print(&if as_json {
        counts_json(counts)
    } else {
        counts_text(counts)
    });
    Ok(())
}

fn counts_json(counts: Counts) -> String {
    json!({
        "active": counts.active,
        "failing": counts.failing,
        "quarantined": counts.quarantined,
        "other": counts.other,
        "total": counts.total(),
    })
    .to_string()
}

fn counts_text(counts: Counts) -> String {
    let lines = [
        ("active", counts.active),
        ("failing", counts.failing),
        ("quarantined", counts.quarantined),
        ("other", counts.other),
        ("total", counts.total()),
    ];
    let lines = lines.map(|(name, count)| format!("{name:11}  {count}"));
    lines.join("\n")
}
