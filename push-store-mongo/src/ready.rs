//! Checks that are made once, before a database is used.

use crate::connection::Connection;
use crate::migrate;
use crate::schema::{Facts, look};
use push_core::store::StoreError;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::OnceCell;

/// Whether they have been made.
pub(crate) struct Readiness {
    auto_migrate: bool,
    facts: OnceCell<Facts>,
    /// When the last attempt at `facts` failed, and why.
    failed: Mutex<Option<(Instant, StoreError)>>,
}

impl Readiness {
    pub(crate) fn new(auto_migrate: bool) -> Self {
        Self {
            auto_migrate,
            facts: OnceCell::new(),
            failed: Mutex::new(None),
        }
    }

    /// Finds out whether the server and what is stored there can be used; what was found once is remembered.
    ///
    /// Of those who ask at the same time one does it, and its failure is everybody's: a hundred calls to a server that is
    /// away are answered after one selection timeout, not after a hundred.
    pub(crate) async fn wait(&self, connection: &Connection) -> Result<Facts, StoreError> {
        let asked = Instant::now();
        let attempt = self.facts.get_or_try_init(async || {
            if let Some((when, error)) = &*self.failed()
                && *when >= asked
            {
                return Err(error.clone());
            }
            let found = prepare(connection, self.auto_migrate).await;
            found.inspect_err(|error| *self.failed() = Some((Instant::now(), error.clone())))
        });
        attempt.await.copied()
    }

    fn failed(&self) -> MutexGuard<'_, Option<(Instant, StoreError)>> {
        // A panic elsewhere leaves it whole: it is only ever replaced.
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn prepare(connection: &Connection, auto_migrate: bool) -> Result<Facts, StoreError> {
    let found = look(connection).await?;
    if found.is_old() && auto_migrate {
        migrate::bring_up(connection, &found).await?;
        return Ok(found.facts);
    }
    found.usable(&connection.errors)?;
    Ok(found.facts)
}
