//! The reader: all that has queued up from one snapshot.

use crate::error::ErrorMapper;
use crate::load::load;
use crate::page::page;
use crate::portion::{count, owners};
use crate::row::Key;
use crate::worker::{Answer, BATCH, Queue};
use jid::BareJid;
use push_core::store::{Counts, Cursor, Loaded, Page};
use rusqlite::{Connection, Transaction};

/// One call's question.
pub(crate) enum Query {
    Load {
        owners: Vec<BareJid>,
        answer: Answer<Loaded>,
    },
    Page {
        after: Option<Cursor>,
        limit: usize,
        answer: Answer<Page>,
    },
    /// The next owners, at most `limit`, in order.
    Owners {
        after: String,
        limit: usize,
        answer: Answer<Vec<String>>,
    },
    /// The statuses of the next rows, at most `limit`, counted.
    Count {
        after: Key,
        limit: usize,
        answer: Answer<(Counts, Option<Key>)>,
    },
}

impl Query {
    /// How many index searches or rows it costs, roughly.
    fn weight(&self) -> usize {
        match self {
            Self::Load { owners, .. } => owners.len(),
            Self::Page { limit, .. } | Self::Owners { limit, .. } | Self::Count { limit, .. } => {
                *limit
            }
        }
    }
}

pub(crate) struct Reader {
    pub(crate) connection: Connection,
    pub(crate) errors: ErrorMapper,
}

type View<'a> = &'a rusqlite::Result<Transaction<'a>>;

impl Reader {
    /// Works until nobody can ask any more and everything asked is answered.
    pub(crate) fn run(self, queue: &Queue<Query>) {
        while let Some(queries) = queue.batch(BATCH, Query::weight) {
            let view = self.snapshot();
            for query in queries {
                self.answer(&view, query);
            }
        }
    }

    /// Fails here, once, when the file is locked: not for each question in turn.
    fn snapshot(&self) -> rusqlite::Result<Transaction<'_>> {
        let transaction = self.connection.unchecked_transaction()?;
        transaction
            .prepare_cached("SELECT 1 FROM registration LIMIT 1")?
            .exists([])?;
        Ok(transaction)
    }

    fn answer(&self, view: View<'_>, query: Query) {
        match query {
            Query::Load { owners, answer } => self.reply(view, answer, |view| load(view, &owners)),
            Query::Page {
                after,
                limit,
                answer,
            } => self.reply(view, answer, |view| page(view, after.as_ref(), limit)),
            Query::Owners {
                after,
                limit,
                answer,
            } => self.reply(view, answer, |view| owners(view, &after, limit)),
            Query::Count {
                after,
                limit,
                answer,
            } => self.reply(view, answer, |view| count(view, &after, limit)),
        }
    }

    fn reply<T>(
        &self,
        view: View<'_>,
        answer: Answer<T>,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) {
        if answer.is_canceled() {
            return;
        }
        let found = match view {
            Ok(view) => read(view).map_err(|error| self.errors.error(&error)),
            Err(error) => Err(self.errors.error(error)),
        };
        drop(answer.send(found));
    }
}
