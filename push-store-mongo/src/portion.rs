//! Everything there is, a range of buckets at a time: a question about a hundred million documents is many short ones,
//! each of them to the shards that have these buckets.

use crate::command;
use crate::connection::Connection;
use crate::row::BY_KEY;
use jid::DomainRef;
use mongodb::bson::{Document, RawBsonRef, doc};
use mongodb::error::Result;
use push_core::store::{Counts, StoreError};
use std::ops::Range;

/// So many documents are looked at within a fraction of a second.
const PORTION: u64 = 100_000;

/// One more than the last bucket.
const BUCKETS: u64 = 1 << 16;

/// Ranges of about [`PORTION`] documents, for an owner is as likely in one bucket as in another.
pub(crate) async fn portions(
    connection: &Connection,
) -> std::result::Result<impl Iterator<Item = Range<i32>>, StoreError> {
    let count = connection.registrations.estimated_document_count();
    let count = count.max_time(connection.call_timeout).await;
    count.map(split).map_err(|error| connection.error(&error))
}

fn split(documents: u64) -> impl Iterator<Item = Range<i32>> {
    let portions = (documents / PORTION + 1).min(BUCKETS);
    // Both ends fit: they are at most `BUCKETS`.
    let end = move |portion: u64| i32::try_from(portion * BUCKETS / portions).unwrap_or(i32::MAX);
    (0..portions).map(move |portion| end(portion)..end(portion + 1))
}

fn within(buckets: &Range<i32>) -> Document {
    doc! { "bucket": { "$gte": buckets.start, "$lt": buckets.end } }
}

/// Removes what a domain has in these buckets.
pub(crate) async fn remove_domain(
    connection: &Connection,
    buckets: Range<i32>,
    domain: &DomainRef,
) -> std::result::Result<u64, StoreError> {
    let mut filter = within(&buckets);
    filter.insert("owner", doc! { "$regex": of_domain(domain) });
    command::delete(connection, filter, Some(BY_KEY)).await
}

/// Owners of a domain, itself included; neither part of a bare JID contains an `@` (RFC 7622 §3.3.1).
fn of_domain(domain: &DomainRef) -> String {
    let mut pattern = String::from("(^|@)");
    for letter in domain.as_str().chars() {
        if letter.is_ascii() && !letter.is_ascii_alphanumeric() {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('$');
    pattern
}

/// Counts what is in these buckets, by status.
pub(crate) async fn counts(
    connection: &Connection,
    buckets: Range<i32>,
) -> std::result::Result<Counts, StoreError> {
    count(connection, buckets)
        .await
        .map_err(|error| connection.error(&error))
}

async fn count(connection: &Connection, buckets: Range<i32>) -> Result<Counts> {
    let pipeline = [
        doc! { "$match": within(&buckets) },
        doc! { "$group": { "_id": "$status", "count": { "$sum": 1 } } },
    ];
    let groups = connection.registrations.aggregate(pipeline).hint(by_key());
    let mut groups = groups.max_time(connection.call_timeout).await?;
    let mut counts = Counts::default();
    while groups.advance().await? {
        let group = groups.current();
        // The server picks the smallest type that holds it.
        let count = match group.get("count")? {
            Some(RawBsonRef::Int32(count)) => count.into(),
            Some(RawBsonRef::Int64(count)) => count,
            _ => 0,
        };
        let status = group.get_str("_id").unwrap_or_default();
        counts.add(status, count.unsigned_abs());
    }
    Ok(counts)
}

fn by_key() -> mongodb::options::Hint {
    mongodb::options::Hint::Name(BY_KEY.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jid::BareJid;

    #[test]
    fn portions_leave_no_bucket_out_and_none_twice() {
        for documents in [0, 1, PORTION, 7 * PORTION + 1, 1 << 60] {
            let portions: Vec<_> = split(documents).collect();
            assert_eq!(portions.first().unwrap().start, 0);
            assert_eq!(portions.last().unwrap().end, 65536);
            assert!(portions.windows(2).all(|two| two[0].end == two[1].start));
        }
        assert_eq!((split(0).count(), split(1 << 60).count()), (1, 65536));
    }

    #[test]
    fn a_domain_is_not_taken_for_a_pattern() {
        let of = |jid: &str| of_domain(BareJid::new(jid).unwrap().domain());
        assert_eq!(of("a-b.example"), r"(^|@)a\-b\.example$");
        assert_eq!(of("[::1]"), r"(^|@)\[\:\:1\]$");
    }
}
