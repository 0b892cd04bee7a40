//! Everything there is, a portion at a time, so that others are served in between.

use crate::row::Key;
use crate::statement::{OWNERS, STATUSES};
use push_core::store::Counts;
use rusqlite::{Connection, params};

/// The next owners, at most `limit`, in order.
pub(crate) fn owners(
    view: &Connection,
    after: &str,
    limit: usize,
) -> rusqlite::Result<Vec<String>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    view.prepare_cached(OWNERS)?
        .query_map(params![after, limit], |row| row.get(0))?
        .collect()
}

/// Counts a portion, and returns where the next begins.
pub(crate) fn count(
    view: &Connection,
    after: &Key,
    limit: usize,
) -> rusqlite::Result<(Counts, Option<Key>)> {
    let mut statement = view.prepare_cached(STATUSES)?;
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
