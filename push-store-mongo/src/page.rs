//! A page of the listing.

use crate::connection::Connection;
use crate::row;
use mongodb::bson::{Document, doc};
use mongodb::error::Result;
use push_core::row::UnreadableRows;
use push_core::store::{Cursor, Page, StoreError};

/// Reads on over documents that cannot be read: a page without an entry would leave no cursor to go on from.
pub(crate) async fn page(
    connection: &Connection,
    after: Option<&Cursor>,
    limit: usize,
) -> std::result::Result<Page, StoreError> {
    let found = entries(connection, after, limit).await;
    found.map_err(|error| connection.error(&error))
}

async fn entries(connection: &Connection, after: Option<&Cursor>, limit: usize) -> Result<Page> {
    let at_a_time = u32::try_from(limit + 1).unwrap_or(u32::MAX);
    let mut documents = connection
        .find(after.map_or_else(Document::new, behind), at_a_time)
        .await?;
    let mut page = Page::default();
    let mut unreadable = UnreadableRows::default();
    while documents.advance().await? {
        if page.entries.len() == limit {
            page.next = page.entries.last().map(|(owner, last)| Cursor {
                owner: owner.clone(),
                target: last.target.clone(),
            });
            break;
        }
        let document = documents.current();
        page.entries.extend(row::noted(
            &mut unreadable,
            row::owner_of(document),
            row::entry(document),
        ));
    }
    page.corrupt = row::logged(unreadable);
    Ok(page)
}

/// Finds the entries after a key. By the first condition the index is entered at the owner; of what is found there, the rest
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
