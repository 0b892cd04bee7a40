//! `xmpp-push migrate`.

use crate::config::ConfigFile;
use crate::exit::Failure;
use crate::{compose, runtime};
use push_core::store::Migrated;
use std::io::Write;

/// Brings the database up to date, and says from which version to which.
pub(super) fn migrate(file: &ConfigFile) -> Result<(), Failure> {
    let config = file.read().map_err(Failure::Config)?;
    let migrated = async {
        let backend = compose::backend(&config.store)?;
        backend.migrate().await
    };
    let Migrated {
        from: before,
        to: after,
    } = runtime::start()?
        .block_on(migrated)
        .map_err(Failure::Store)?;
    let name = &config.store.backend;
    let line = match before {
        before if before == after => format!("{name}: version {after} already"),
        0 => format!("{name}: set up at version {after}"),
        before => format!("{name}: from version {before} to {after}"),
    };
    // A closed standard output is the reader's choice.
    drop(writeln!(std::io::stdout(), "{line}"));
    Ok(())
}
