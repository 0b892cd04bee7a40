//! The writer: one transaction for all that has queued up.

use crate::SqliteConfig;
use crate::change::Write;
use crate::error::{ErrorMapper, is_busy};
use crate::file::Watch;
use crate::worker::{Answer, BATCH, Queue};
use push_core::store::{Committed, StoreError};
use rusqlite::{Connection, TransactionBehavior};
use tracing::warn;

/// After so many changes the log is moved into the file: a few megabytes, and two more fsyncs.
const CHECKPOINT_EVERY: usize = 1024;

/// One call to commit.
pub(crate) struct Commit {
    pub(crate) writes: Vec<Write>,
    pub(crate) answer: Answer<Vec<Committed>>,
}

/// The outcome of one call.
type Outcome = Result<Vec<Committed>, StoreError>;

pub(crate) struct Writer {
    connection: Connection,
    errors: ErrorMapper,
    watch: Watch,
    since_checkpoint: usize,
}

impl Writer {
    pub(crate) fn new(connection: Connection, config: &SqliteConfig, errors: ErrorMapper) -> Self {
        Self {
            connection,
            errors,
            watch: Watch::new(&config.path),
            since_checkpoint: 0,
        }
    }

    /// Works until nobody can ask any more and everything asked is answered.
    pub(crate) fn run(mut self, queue: &Queue<Commit>) {
        while let Some(commits) = queue.batch(BATCH, |commit| commit.writes.len()) {
            let (asked, answers): (Vec<_>, Vec<_>) = commits
                .into_iter()
                // Given up while it waited: somebody else may have begun to write since.
                .filter(|commit| !commit.answer.is_canceled())
                .map(|commit| (commit.writes, commit.answer))
                .unzip();
            if asked.is_empty() {
                continue;
            }
            let outcomes = if self.watch.has_moved() {
                asked.iter().map(|_| Err(self.watch.error())).collect()
            } else {
                self.write(&asked)
            };
            for (answer, outcome) in answers.into_iter().zip(outcomes) {
                // Who no longer waits does not want to know.
                drop(answer.send(outcome));
            }
            self.checkpoint(asked.iter().map(Vec::len).sum());
        }
    }

    /// Writes all calls together; when that cannot be, each alone, so that only the one at fault fails.
    fn write(&mut self, calls: &[Vec<Write>]) -> Vec<Outcome> {
        match self.transact(calls) {
            Ok(outcomes) => outcomes,
            // Alone, each would wait for the lock in turn.
            Err(error) if calls.len() > 1 && !is_busy(&error) => {
                calls.chunks(1).flat_map(|call| self.write(call)).collect()
            }
            Err(error) => calls
                .iter()
                .map(|_| Err(self.errors.error(&error)))
                .collect(),
        }
    }

    /// Writes all calls in one transaction. A statement that fails undoes itself and ends its call; `Err` when
    /// nothing of the transaction is left.
    fn transact(&mut self, calls: &[Vec<Write>]) -> rusqlite::Result<Vec<Outcome>> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut outcomes = Vec::with_capacity(calls.len());
        for call in calls {
            let outcome: rusqlite::Result<Vec<_>> = call
                .iter()
                .map(|write| write.execute(&transaction))
                .collect();
            match outcome {
                // A full or failing disk may end the whole transaction.
                Err(error) if transaction.is_autocommit() => return Err(error),
                outcome => outcomes.push(outcome.map_err(|error| self.errors.error(&error))),
            }
        }
        transaction.commit()?;
        Ok(outcomes)
    }

    /// After the answers, so that only what comes next may have to wait for it.
    fn checkpoint(&mut self, writes: usize) {
        self.since_checkpoint += writes;
        if self.since_checkpoint < CHECKPOINT_EVERY {
            return;
        }
        self.since_checkpoint = 0;
        // PASSIVE waits for nobody: what a reader still needs stays until the next time.
        let done = self
            .connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(error) = done {
            warn!(error = %self.errors.error(&error), "the write-ahead log stays as it is for now");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::{self, Earlier};
    use crate::{connection, file};
    use push_core::registration::Status;
    use push_core::store::Committed::{Enabled, Removed};

    fn enable(owner: u32) -> Vec<Write> {
        let row = push_core::row::Row {
            service: "push.example.net".into(),
            node: "n".into(),
            revision: 1,
            status: Status::Active.into(),
            enabled_at: 1,
            document: "x".repeat(3000),
        };
        vec![Write::Enable {
            owner: format!("u{owner}@example.org"),
            bucket: 0,
            row,
        }]
    }

    /// SQLite gives up the whole transaction when the disk is full.
    #[test]
    fn a_full_disk_fails_what_needs_room_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let config = SqliteConfig::new(file::prepare(&folder.path().join("a.db")).unwrap());
        let errors = ErrorMapper::new(&config);
        let mut connection = connection::writer(&config, &errors).unwrap();
        migrate::bring_up(&mut connection, &errors, Earlier::Migrate).unwrap();
        connection
            .pragma_update(None, "max_page_count", 20)
            .unwrap();
        let mut writer = Writer::new(connection, &config, errors);

        let calls: Vec<_> = (0..40).map(enable).collect();
        let outcomes = writer.write(&calls);
        let stored = outcomes
            .iter()
            .take_while(|outcome| outcome.is_ok())
            .count();
        assert!((5..20).contains(&stored), "{stored}");
        for full in &outcomes[stored..] {
            assert!(
                matches!(full, Err(StoreError::Unavailable { reason }) if reason.contains("full"))
            );
        }

        let owner = "u0@example.org".into();
        let calls = [
            enable(99),
            vec![Write::RemoveOwner {
                owner,
                up_to: i64::MAX,
            }],
            enable(99),
        ];
        let [full, removed, enabled] = &writer.write(&calls)[..] else {
            panic!("one outcome for each call");
        };
        assert!(full.is_err());
        assert_eq!(removed.as_ref().unwrap(), &[Removed(1)]);
        assert_eq!(enabled.as_ref().unwrap(), &[Enabled]);
    }
}
