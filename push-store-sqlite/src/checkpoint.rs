//! The checkpointer: moves the write-ahead log into the file while commits go on.

use crate::error::Explain;
use crate::worker::{Queue, Worker};
use crate::{SqliteConfig, connection};
use push_core::store::StoreError;
use rusqlite::Connection;
use tracing::warn;

/// After so many changes it is worth a checkpoint's two fsyncs: a few megabytes of log.
pub(crate) const EVERY: usize = 1024;

/// It is time for a checkpoint.
#[derive(Debug)]
pub(crate) struct Due;

pub(crate) fn start(config: &SqliteConfig, explain: &Explain) -> Result<Worker<Due>, StoreError> {
    let connection = connection::checkpointer(config, explain)?;
    let explain = explain.clone();
    // One may wait; more would do the same again.
    Worker::start("push-store-checkpointer", 1, move |queue| {
        run(&connection, &explain, queue);
    })
}

fn run(connection: &Connection, explain: &Explain, queue: &Queue<Due>) {
    while queue.batch(1, |_| 1).is_some() {
        // PASSIVE waits for nobody: what a reader still needs stays until the next time.
        let done = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(error) = done {
            warn!(error = %explain.error(&error), "the write-ahead log stays as it is for now");
        }
    }
}
