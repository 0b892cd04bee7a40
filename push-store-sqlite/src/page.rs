//! A page of the listing.

use crate::row;
use crate::statement::PAGE;
use push_core::row::UnreadableRows;
use push_core::store::{Cursor, Page};
use rusqlite::{Connection, params};

/// Reads on over rows that cannot be read: a page without an entry would leave no cursor to go on from.
pub(crate) fn page(
    view: &Connection,
    after: Option<&Cursor>,
    limit: usize,
) -> rusqlite::Result<Page> {
    let (owner, service, node) = after.map_or(("", "", ""), |cursor| {
        let target = &cursor.target;
        (
            cursor.owner.as_str(),
            target.service.as_str(),
            target.node.as_str(),
        )
    });
    let mut statement = view.prepare_cached(PAGE)?;
    let mut rows = statement.query(params![owner, service, node])?;
    let mut page = Page::default();
    let mut unreadable = UnreadableRows::default();
    while let Some(row) = rows.next()? {
        if page.entries.len() == limit {
            page.next = page.entries.last().map(|(owner, last)| Cursor {
                owner: owner.clone(),
                target: last.target.clone(),
            });
            break;
        }
        let owner = row.get_ref("owner")?.as_str().unwrap_or_default();
        page.entries
            .extend(row::noted(&mut unreadable, owner, row::entry(row)));
    }
    page.corrupt = row::logged(unreadable);
    Ok(page)
}
