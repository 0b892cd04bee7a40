//! Enabling many at once.
//!
//! An enable is an upsert that only finds its registration when that has no later revision. When it has, the insert
//! meets the unique index: error 11000. So it does, too, when two upserts of a new key race and both find nothing. Which
//! of the two it was, is told by looking for the later revision; without one, it is tried again.

use crate::command::{self, WriteError};
use crate::connection::{Connection, REGISTRATION};
use crate::error::{DUPLICATE_KEY, unavailable};
use crate::row;
use jid::BareJid;
use mongodb::bson::{Document, doc};
use push_core::Registration;
use push_core::registration::Revision;
use push_core::row::{MAX_KEY, Row};
use push_core::store::{Committed, Guard, StoreError};

/// How often it is tried. The second is enough, unless the key is removed and enabled all of the time.
const ATTEMPTS: usize = 5;

/// An enable, ready to be sent.
pub(crate) struct Enable {
    key: Document,
    revision: Revision,
    fields: Document,
    /// About how many bytes of a command it takes.
    pub(crate) size: usize,
}

impl Enable {
    pub(crate) fn new(owner: &BareJid, registration: &Registration) -> Self {
        let row = Row::from(registration);
        Self {
            key: row::key(owner, &registration.target),
            revision: registration.revision,
            size: MAX_KEY + row.document.len(),
            fields: row::enabled(row),
        }
    }

    /// As one of the `updates` of an update command.
    fn statement(&self) -> Document {
        let filter = row::guarded(self.key.clone(), Guard::UpTo(self.revision));
        doc! { "q": filter, "u": &self.fields, "upsert": true }
    }
}

/// The part of a collection that enabling needs.
trait Upserts {
    /// Does all that it can; returns the indices of those that met a duplicate key.
    async fn upsert(&self, enables: &[&Enable]) -> Result<Vec<usize>, StoreError>;

    /// Whether a later revision is stored.
    async fn is_superseded(&self, enable: &Enable) -> Result<bool, StoreError>;
}

/// Enables all of them, in any order; the keys must differ.
pub(crate) async fn enable(
    connection: &Connection,
    enables: &[Enable],
) -> Result<Vec<Committed>, StoreError> {
    attempt(connection, enables).await
}

async fn attempt(to: &impl Upserts, enables: &[Enable]) -> Result<Vec<Committed>, StoreError> {
    let mut committed = vec![Committed::Enabled; enables.len()];
    let mut left: Vec<usize> = (0..enables.len()).collect();
    for _ in 0..ATTEMPTS {
        let tried: Vec<&Enable> = left.iter().map(|index| &enables[*index]).collect();
        let mut again = Vec::new();
        for index in to.upsert(&tried).await? {
            let Some(&index) = left.get(index) else {
                continue;
            };
            if to.is_superseded(&enables[index]).await? {
                committed[index] = Committed::Superseded;
            } else {
                again.push(index);
            }
        }
        if again.is_empty() {
            return Ok(committed);
        }
        left = again;
    }
    Err(unavailable(
        "a registration is being written by too many at once, or its stored revision is not a number",
    ))
}

impl Upserts for Connection {
    async fn upsert(&self, enables: &[&Enable]) -> Result<Vec<usize>, StoreError> {
        let statements: Vec<_> = enables.iter().map(|enable| enable.statement()).collect();
        let command = doc! { "update": REGISTRATION, "updates": statements, "ordered": false };
        let written = command::write(self, command).await?;
        let index = |error: &WriteError| match error.code {
            DUPLICATE_KEY => Ok(error.index),
            code => Err(self.errors.code(code, "")),
        };
        written.write_errors.iter().map(index).collect()
    }

    async fn is_superseded(&self, enable: &Enable) -> Result<bool, StoreError> {
        let filter = row::later(enable.key.clone(), enable.revision);
        let found = self.registrations.find_one(filter);
        let found = found.max_time(self.call_timeout).await;
        found
            .map(|found| found.is_some())
            .map_err(|error| self.error(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jid::BareJid;
    use push_core::Timestamp;
    use push_core::registration::{
        Identity, PublishOptions, PubsubNode, Registration, Status, Target,
    };
    use std::sync::Mutex;

    /// A collection that meets duplicate keys as it is told to: each round the indices of those that do, and which
    /// revisions are superseded.
    struct Racing {
        rounds: Mutex<Vec<Vec<usize>>>,
        superseded: Vec<u64>,
        /// The revisions of each round.
        tried: Mutex<Vec<Vec<u64>>>,
    }

    impl Racing {
        fn new(rounds: &[&[usize]], superseded: &[u64]) -> Self {
            let rounds = rounds.iter().rev().map(|round| round.to_vec()).collect();
            Self {
                rounds: Mutex::new(rounds),
                superseded: superseded.to_vec(),
                tried: Mutex::default(),
            }
        }

        fn tried(&self) -> Vec<Vec<u64>> {
            self.tried.lock().unwrap().clone()
        }
    }

    impl Upserts for Racing {
        async fn upsert(&self, enables: &[&Enable]) -> Result<Vec<usize>, StoreError> {
            let revisions = enables.iter().map(|enable| enable.revision.as_u64());
            self.tried.lock().unwrap().push(revisions.collect());
            Ok(self.rounds.lock().unwrap().pop().unwrap_or_default())
        }

        async fn is_superseded(&self, enable: &Enable) -> Result<bool, StoreError> {
            Ok(self.superseded.contains(&enable.revision.as_u64()))
        }
    }

    fn enables(count: u64) -> Vec<Enable> {
        let owner = BareJid::new("alice@example.org").unwrap();
        let enable = |revision| {
            let registration = Registration {
                target: Target {
                    service: BareJid::new("push.example.net").unwrap(),
                    node: PubsubNode::new(format!("n{revision}")),
                },
                options: PublishOptions::default(),
                revision: Revision::new(revision),
                status: Status::Active,
                resource: None,
                identity: Identity::Server,
                enabled_at: Timestamp::from_millis(1),
            };
            Enable::new(&owner, &registration)
        };
        (0..count).map(enable).collect()
    }

    #[tokio::test]
    async fn what_met_nobody_is_enabled_at_once() {
        let racing = Racing::new(&[], &[]);
        let done = attempt(&racing, &enables(3)).await;
        assert_eq!(done, Ok(vec![Committed::Enabled; 3]));
        assert_eq!(racing.tried(), [[0, 1, 2]]);
    }

    #[tokio::test]
    async fn a_lost_race_is_run_again_and_a_later_revision_is_not() {
        // Of four, three meet a key: 0 and 3 raced, 1 is late. Then 3, the second of those left, once more.
        let racing = Racing::new(&[&[0, 1, 3], &[1]], &[1]);
        let done = attempt(&racing, &enables(4)).await.unwrap();
        let mut expected = [Committed::Enabled; 4];
        expected[1] = Committed::Superseded;
        assert_eq!(done, expected);
        assert_eq!(racing.tried(), [vec![0, 1, 2, 3], vec![0, 3], vec![3]]);
    }

    #[tokio::test]
    async fn a_race_without_end_is_given_up() {
        let racing = Racing::new(&[&[0][..]; ATTEMPTS + 1], &[]);
        let done = attempt(&racing, &enables(1)).await;
        assert!(matches!(done, Err(StoreError::Unavailable { .. })));
        assert_eq!(racing.tried().len(), ATTEMPTS);
    }
}
