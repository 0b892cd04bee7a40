//! Checks that are made once, before a database is used.

use crate::migrate::migrate;
use crate::pool::Pool;
use crate::schema::Look;
use push_core::store::StoreError;
use std::sync::OnceLock;
use std::time::Instant;
use tokio::sync::Mutex;

/// Whether they have been made.
#[derive(Default)]
pub(crate) struct Readiness {
    done: OnceLock<()>,
    /// One at a time; with how it ended for the last, when that was.
    gate: Mutex<Option<(Instant, StoreError)>>,
}

impl Readiness {
    /// Checks, and migrates if it may. Once that has gone well, it costs nothing.
    pub(crate) async fn wait(&self, pool: &Pool, auto_migrate: bool) -> Result<(), StoreError> {
        if self.done.get().is_some() {
            return Ok(());
        }
        let asked = Instant::now();
        let mut last = self.gate.lock().await;
        if self.done.get().is_some() {
            return Ok(());
        }
        if let Some((when, error)) = &*last
            && *when >= asked
        {
            return Err(error.clone());
        }
        match prepare(pool, auto_migrate).await {
            Ok(()) => {
                self.done.get_or_init(|| ());
                Ok(())
            }
            Err(error) => {
                *last = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }
}

async fn prepare(pool: &Pool, auto_migrate: bool) -> Result<(), StoreError> {
    let found = pool.within(pool.run(&Look)).await?;
    if !(found.is_old() && auto_migrate) {
        return found.usable(pool.errors());
    }
    migrate(pool).await?;
    pool.within(pool.run(&Look)).await?.usable(pool.errors())
}
