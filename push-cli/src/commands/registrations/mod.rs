//! `xmpp-push registrations`: counting them, and carrying them from store to store (docs/registrations.md).

mod export;
mod import;
mod line;
mod lines;
mod resume;
mod source;

use crate::args::RegistrationsCommand;
use crate::config::{BackendKind, Config, ConfigFile};
use crate::exit::Failure;
use crate::{compose, logging, runtime};
use push_core::store::{Counts, RegistrationStore, StoreError};
use serde_json::json;
use std::io::{self, Write};
use std::sync::Arc;

/// How often it is said how far an export or an import is, in registrations.
const PROGRESS: u64 = 100_000;

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
            RegistrationsCommand::Count { json } => count(&config, *json).await,
        }
    })
}

/// The store of a configuration; with `as_stored`, sealed options stay sealed.
async fn open(config: &Config, as_stored: bool) -> Result<Arc<dyn RegistrationStore>, Failure> {
    let settings = &config.store;
    if settings.backend == BackendKind::Memory {
        let reason = "the backend \"memory\" is in the service's own process".to_owned();
        return Err(Failure::Store(StoreError::Refused { reason }));
    }
    let backend = if as_stored {
        compose::backend_as_stored(settings)
    } else {
        compose::backend(settings)
    };
    let opened = backend.map_err(Failure::Store)?.open().await;
    opened.map_err(Failure::Store)
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

/// The answer to a command. A closed standard output is the reader's choice.
fn print(text: &str) {
    drop(writeln!(io::stdout(), "{text}"));
}

/// Something to know beside the answer.
fn say(text: &str) {
    drop(writeln!(io::stderr(), "xmpp-push: {text}"));
}

/// Says how far it is when `before` and `now` are on different sides of a mark.
fn say_progress(before: u64, now: u64) {
    if before / PROGRESS != now / PROGRESS {
        say(&format!("{now} registrations so far"));
    }
}
