//! A folder for a database file that several instances on this machine name.

use tempfile::TempDir;

use crate::server::Result;

/// A database file that is not there yet. Dropping it removes the folder.
#[derive(Debug)]
pub struct Database(TempDir);

/// A file in a folder of its own.
///
/// # Errors
/// The folder cannot be made.
pub fn fresh_database() -> impl Future<Output = Result<Database>> {
    let folder = tempfile::Builder::new()
        .prefix("xmpp-push-sqlite-")
        .tempdir();
    std::future::ready(folder.map(Database).map_err(Into::into))
}

impl Database {
    /// The service's section `[store]` for it.
    #[must_use]
    pub fn section(&self) -> String {
        format!("url = \"{}/registrations.db\"", self.0.path().display())
    }
}
