//! Enabling many at once.
//!
//! An enable is an upsert that only finds its registration when that has no later revision. When it has, the insert
//! meets the unique index: error 11000. So it does, too, when two upserts of a new key race and both find nothing. Which
//! of the two it was, is told by looking for the later revision; without one, it is tried again.

use crate::connection::Server;
use crate::error::{DUPLICATE_KEY, is_worth_repeating, unavailable};
use crate::row;
use crate::schema::REGISTRATION;
use jid::BareJid;
use mongodb::bson::{self, Bson, Document, doc};
use push_core::Registration;
use push_core::registration::Revision;
use push_core::row::{MAX_KEY, Row};
use push_core::store::{Committed, Guard, StoreError};
use serde::Deserialize;

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

/// What enabling needs of a collection.
trait Upserts {
    /// Does all that it can; returns the places of those that met a duplicate key.
    async fn upsert(&self, enables: &[&Enable]) -> Result<Vec<usize>, StoreError>;

    /// Whether a later revision is stored.
    async fn is_superseded(&self, enable: &Enable) -> Result<bool, StoreError>;
}

/// Enables all of them, in any order; the keys must differ.
pub(crate) async fn enable(
    server: &Server,
    enables: &[Enable],
) -> Result<Vec<Committed>, StoreError> {
    attempt(server, enables).await
}

async fn attempt(to: &impl Upserts, enables: &[Enable]) -> Result<Vec<Committed>, StoreError> {
    let mut committed = vec![Committed::Enabled; enables.len()];
    let mut left: Vec<usize> = (0..enables.len()).collect();
    for _ in 0..ATTEMPTS {
        let tried: Vec<&Enable> = left.iter().map(|at| &enables[*at]).collect();
        let mut again = Vec::new();
        for at in to.upsert(&tried).await? {
            let Some(&at) = left.get(at) else { continue };
            if to.is_superseded(&enables[at]).await? {
                committed[at] = Committed::Superseded;
            } else {
                again.push(at);
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

impl Upserts for Server {
    async fn upsert(&self, enables: &[&Enable]) -> Result<Vec<usize>, StoreError> {
        let statements: Vec<_> = enables.iter().map(|enable| enable.statement()).collect();
        let command = doc! {
            "update": REGISTRATION,
            "updates": statements,
            "ordered": false,
            "writeConcern": self.write_concern(),
            "maxTimeMS": self.millis(),
        };
        let reply = match self.database.run_command(command.clone()).await {
            // The driver repeats only commands that it makes itself; these do no harm twice.
            Err(error) if is_worth_repeating(&error) => self.database.run_command(command).await,
            reply => reply,
        };
        let reply = reply.map_err(|error| self.explain(&error))?;
        self.duplicates(reply)
    }

    async fn is_superseded(&self, enable: &Enable) -> Result<bool, StoreError> {
        let filter = row::later(enable.key.clone(), enable.revision);
        let found = self.registrations.find_one(filter);
        let found = found.max_time(self.call_timeout).await;
        found
            .map(|found| found.is_some())
            .map_err(|error| self.explain(&error))
    }
}

/// The answer to an update command, as far as it tells what went wrong.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reply {
    #[serde(default)]
    write_errors: Vec<WriteError>,
    write_concern_error: Option<WriteConcernError>,
}

#[derive(Deserialize)]
struct WriteError {
    index: usize,
    code: i32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WriteConcernError {
    code: i32,
    #[serde(default)]
    code_name: String,
}

impl Server {
    fn duplicates(&self, reply: Document) -> Result<Vec<usize>, StoreError> {
        let reply: Reply = bson::from_bson(Bson::Document(reply)).map_err(|_| {
            unavailable(self.explain.here("the answer to an update cannot be read"))
        })?;
        if let Some(error) = reply.write_concern_error {
            return Err(self.explain.not_acknowledged(error.code, &error.code_name));
        }
        let place = |error: WriteError| match error.code {
            DUPLICATE_KEY => Ok(error.index),
            code => Err(self.explain.code(code, "")),
        };
        reply.write_errors.into_iter().map(place).collect()
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

    /// A collection that meets duplicate keys as it is told to: each round the places of those that do, and which
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

    #[test]
    fn the_answer_of_a_server_is_read() {
        let reply = doc! {
            "n": 1, "nModified": 1, "ok": 1.0,
            "writeErrors": [{ "index": 2, "code": 11000, "errmsg": "…", "keyValue": { "owner": "…" } }],
            "writeConcernError": { "code": 64, "codeName": "WriteConcernTimeout", "errmsg": "…" },
        };
        let reply: Reply = bson::from_bson(Bson::Document(reply)).unwrap();
        assert_eq!(
            (reply.write_errors[0].index, reply.write_errors[0].code),
            (2, DUPLICATE_KEY)
        );
        assert_eq!(reply.write_concern_error.unwrap().code, 64);
    }
}
