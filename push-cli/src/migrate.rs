//! `xmpp-push migrate`.

use crate::config::Config;
use crate::exit::Failure;
use crate::{compose, run};
use push_core::store::Migrated;
use std::io::Write;
use std::path::Path;

/// Brings the database up to date, and says from which version to which.
pub(crate) fn migrate(file: &Path) -> Result<(), Failure> {
    let config = Config::load(file).map_err(Failure::Config)?;
    let migrated = async {
        let backend = compose::backend(&config.store)?;
        backend.migrate().await
    };
    let Migrated {
        from: before,
        to: after,
    } = run::runtime()?.block_on(migrated).map_err(Failure::Store)?;
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
