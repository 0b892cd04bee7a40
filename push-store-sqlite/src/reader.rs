//! The reader: all that has queued up from one snapshot.

use crate::error::Explain;
use crate::row;
use crate::worker::{Answer, Queue};
use jid::BareJid;
use push_core::Account;
use push_core::row::RowError;
use push_core::store::{Counts, Cursor, Loaded, Page};
use rusqlite::{Connection, Transaction, params};
use tracing::{debug, warn};

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

/// Owner, service and node.
pub(crate) type Key = (String, String, String);

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
    pub(crate) explain: Explain,
}

type View<'a> = &'a rusqlite::Result<Transaction<'a>>;

impl Reader {
    /// Works until nobody can ask any more and everything asked is answered.
    pub(crate) fn run(self, queue: &Queue<Query>) {
        while let Some(queries) = queue.batch(crate::store::BATCH, Query::weight) {
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
            Ok(view) => read(view).map_err(|error| self.explain.error(&error)),
            Err(error) => Err(self.explain.error(error)),
        };
        drop(answer.send(found));
    }
}

fn load(view: &Connection, owners: &[BareJid]) -> rusqlite::Result<Loaded> {
    let mut statement = view.prepare_cached(row::LOAD)?;
    let mut left_out = LeftOut::default();
    let mut accounts = Vec::with_capacity(owners.len());
    for owner in owners {
        let mut account = Account::empty(owner.clone());
        let mut rows = statement.query([owner.as_str()])?;
        while let Some(row) = rows.next()? {
            account
                .registrations
                .extend(left_out.note(owner.as_str(), row::registration(row)));
        }
        accounts.push(account);
    }
    Ok(Loaded {
        accounts,
        corrupt: left_out.log(),
    })
}

/// Reads on over rows that cannot be read: a page without an entry would leave no cursor to go on from.
fn page(view: &Connection, after: Option<&Cursor>, limit: usize) -> rusqlite::Result<Page> {
    let (owner, service, node) = after.map_or(("", "", ""), |cursor| {
        let target = &cursor.target;
        (
            cursor.owner.as_str(),
            target.service.as_str(),
            target.node.as_str(),
        )
    });
    let mut statement = view.prepare_cached(row::PAGE)?;
    let mut rows = statement.query(params![owner, service, node])?;
    let mut page = Page::default();
    let mut left_out = LeftOut::default();
    while let Some(row) = rows.next()? {
        if page.entries.len() == limit {
            page.next = page.entries.last().map(|(owner, last)| Cursor {
                owner: owner.clone(),
                target: last.target.clone(),
            });
            break;
        }
        let owner = row.get_ref("owner")?.as_str().unwrap_or_default();
        page.entries.extend(left_out.note(owner, row::entry(row)));
    }
    page.corrupt = left_out.log();
    Ok(page)
}

fn owners(view: &Connection, after: &str, limit: usize) -> rusqlite::Result<Vec<String>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    view.prepare_cached(row::OWNERS)?
        .query_map(params![after, limit], |row| row.get(0))?
        .collect()
}

/// Counts a portion, and says where the next begins.
fn count(view: &Connection, after: &Key, limit: usize) -> rusqlite::Result<(Counts, Option<Key>)> {
    let mut statement = view.prepare_cached(row::STATUSES)?;
    let (owner, service, node) = after;
    let limit_rows = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![owner, service, node, limit_rows])?;
    let (mut counts, mut seen, mut last) = (Counts::default(), 0, None);
    while let Some(row) = rows.next()? {
        counts.add(row.get_ref(0)?.as_str().unwrap_or_default(), 1);
        seen += 1;
        if seen == limit {
            last = Some((row.get(1)?, row.get(2)?, row.get(3)?));
        }
    }
    Ok((counts, last))
}

/// Rows that cannot be read.
#[derive(Default)]
struct LeftOut {
    count: usize,
    first: Option<RowError>,
}

impl LeftOut {
    fn note<T>(&mut self, owner: &str, read: Result<T, RowError>) -> Option<T> {
        read.inspect_err(|error| {
            debug!(owner, %error, "left out a registration that cannot be read");
            self.count += 1;
            self.first.get_or_insert(*error);
        })
        .ok()
    }

    /// Says what is wrong; whose it is, only at debug.
    fn log(self) -> usize {
        if let Some(first) = self.first {
            warn!(rows = self.count, %first, "left out registrations that cannot be read");
        }
        self.count
    }
}
