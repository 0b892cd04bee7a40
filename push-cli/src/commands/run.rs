//! `xmpp-push run`.

use crate::config::ConfigFile;
use crate::exit::Failure;
use crate::{logging, runtime, service};
use tracing::warn;

/// Runs until told to stop.
pub(super) fn run(file: &ConfigFile) -> Result<(), Failure> {
    let config = file.read().map_err(Failure::Config)?;
    let log = logging::start(&config.log);
    for file in &config.store.encryption.exposed {
        warn!(file = %file.display(), "every user can read this key");
    }
    let runtime = runtime::start()?;
    let mut lock = None;
    let outcome = runtime.block_on(service::serve(file.clone(), config, log, &mut lock));
    // The lock outlives the store, which finishes its work when it is dropped.
    drop(runtime);
    drop(lock);
    outcome
}
