//! Reading: accounts and pages.

use crate::connection::Server;
use crate::row;
use jid::BareJid;
use mongodb::bson::{Document, RawDocumentBuf, doc};
use mongodb::error::Result;
use push_core::row::{RowError, bucket};
use push_core::store::{Cursor, Loaded, Page, StoreError};
use push_core::{Account, Registration};
use std::collections::{BTreeMap, BTreeSet};
use tracing::{debug, warn};

/// How many documents the server sends at a time.
const AT_A_TIME: u32 = 1024;

type Documents = mongodb::Cursor<RawDocumentBuf>;

pub(crate) async fn load(
    server: &Server,
    owners: &[BareJid],
) -> std::result::Result<Loaded, StoreError> {
    let found = accounts(server, owners).await;
    found.map_err(|error| server.explain(&error))
}

async fn accounts(server: &Server, owners: &[BareJid]) -> Result<Loaded> {
    let mut documents = find(server, of(owners), AT_A_TIME).await?;
    let mut found: BTreeMap<BareJid, Vec<Registration>> = BTreeMap::new();
    let mut unreadable = Unreadable::default();
    while documents.advance().await? {
        let document = documents.current();
        let entry = unreadable.note(row::owner_of(document), row::entry(document));
        if let Some((owner, registration)) = entry {
            found.entry(owner).or_default().push(registration);
        }
    }
    let account = |owner: &BareJid| Account {
        owner: owner.clone(),
        registrations: found.get(owner).cloned().unwrap_or_default(),
    };
    Ok(Loaded {
        accounts: owners.iter().map(account).collect(),
        corrupt: unreadable.log(),
    })
}

/// The documents of these owners: the owners find them, the buckets tell the shards that have them.
pub(crate) fn of(owners: &[BareJid]) -> Document {
    let names: BTreeSet<_> = owners.iter().map(|owner| owner.as_str()).collect();
    let buckets: BTreeSet<_> = owners.iter().map(bucket).collect();
    let names: Vec<_> = names.into_iter().collect();
    let buckets: Vec<_> = buckets.into_iter().map(i32::from).collect();
    doc! { "bucket": { "$in": buckets }, "owner": { "$in": names } }
}

/// Reads on over documents that cannot be read: a page without an entry would leave no cursor to go on from.
pub(crate) async fn page(
    server: &Server,
    after: Option<&Cursor>,
    limit: usize,
) -> std::result::Result<Page, StoreError> {
    let found = entries(server, after, limit).await;
    found.map_err(|error| server.explain(&error))
}

async fn entries(server: &Server, after: Option<&Cursor>, limit: usize) -> Result<Page> {
    let at_a_time = u32::try_from(limit + 1).unwrap_or(AT_A_TIME);
    let mut documents = find(server, after.map_or_else(Document::new, behind), at_a_time).await?;
    let mut page = Page::default();
    let mut unreadable = Unreadable::default();
    while documents.advance().await? {
        if page.entries.len() == limit {
            page.next = page.entries.last().map(|(owner, last)| Cursor {
                owner: owner.clone(),
                target: last.target.clone(),
            });
            break;
        }
        let document = documents.current();
        page.entries
            .extend(unreadable.note(row::owner_of(document), row::entry(document)));
    }
    page.corrupt = unreadable.log();
    Ok(page)
}

/// What comes after a key. By the first condition the index is entered at the owner; of what is found there, the rest
/// leaves out at most that owner's own.
pub(crate) fn behind(cursor: &Cursor) -> Document {
    let owner = cursor.owner.as_str();
    let service = cursor.target.service.as_str();
    let node = cursor.target.node.as_str();
    doc! {
        "owner": { "$gte": owner },
        "$or": [
            { "owner": { "$gt": owner } },
            { "service": { "$gt": service } },
            { "service": service, "node": { "$gt": node } },
        ],
    }
}

/// In key order, which is the order of the index: texts compare as bytes where no collation says otherwise.
async fn find(server: &Server, filter: Document, at_a_time: u32) -> Result<Documents> {
    let found = server.registrations.find(filter);
    found
        .sort(doc! { "owner": 1, "service": 1, "node": 1 })
        .batch_size(at_a_time)
        .max_time(server.call_timeout)
        .await
}

/// Documents that were left out.
#[derive(Default)]
struct Unreadable(Vec<RowError>);

impl Unreadable {
    fn note<T>(&mut self, owner: &str, read: std::result::Result<T, RowError>) -> Option<T> {
        let keep = |error: &RowError| {
            debug!(owner, %error, "left out a registration that cannot be read");
            self.0.push(*error);
        };
        read.inspect_err(keep).ok()
    }

    /// Says what is wrong; whose it is, only at debug.
    fn log(self) -> usize {
        let count = self.0.len();
        if let Some(first) = self.0.first() {
            warn!(documents = count, %first, "left out registrations that cannot be read");
        }
        count
    }
}
