//! Leases: one document each, changed by one update that reads the server's clock.

use crate::MongoStore;
use crate::connection::Connection;
use crate::error::{DUPLICATE_KEY, is, unavailable};
use async_trait::async_trait;
use mongodb::bson::{Document, doc};
use mongodb::error::Result;
use mongodb::options::ReturnDocument;
use push_core::lease::{Claim, Fence, LeaseStore};
use push_core::store::StoreError;
use std::time::Duration;

/// How often the first taking of a lease is tried: when several instances take a new one, all but one meet its key, and
/// find it the next time.
const ATTEMPTS: usize = 3;

#[async_trait]
impl LeaseStore for MongoStore {
    async fn take(
        &self,
        name: &str,
        holder: &str,
        duration: Duration,
    ) -> std::result::Result<Claim, StoreError> {
        self.call(|_| take(&self.connection, name, holder, duration))
            .await
    }

    async fn release(&self, name: &str, holder: &str) -> std::result::Result<(), StoreError> {
        self.call(|_| async {
            let released = release(&self.connection, name, holder).await;
            released.map_err(|error| self.connection.error(&error))
        })
        .await
    }
}

async fn take(
    connection: &Connection,
    name: &str,
    holder: &str,
    duration: Duration,
) -> std::result::Result<Claim, StoreError> {
    for _ in 0..ATTEMPTS {
        match ask(connection, name, holder, duration).await {
            Ok(lease) => return Ok(claim(lease.as_ref(), holder)),
            Err(error) if is(&error, DUPLICATE_KEY) => {}
            Err(error) => return Err(connection.error(&error)),
        }
    }
    Err(unavailable("a lease is being taken by too many at once"))
}

async fn ask(
    connection: &Connection,
    name: &str,
    holder: &str,
    duration: Duration,
) -> Result<Option<Document>> {
    let update = vec![doc! { "$set": taken(holder, duration) }];
    let lease = connection
        .leases
        .find_one_and_update(doc! { "_id": name }, update);
    let lease = lease.upsert(true).return_document(ReturnDocument::After);
    lease.max_time(connection.call_timeout).await
}

/// The lease after it was asked for: all three fields are worked out from what they were before.
///
/// Times are numbers, which the comparison needs on both sides.
fn taken(holder: &str, duration: Duration) -> Document {
    let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    let now = doc! { "$toLong": "$$NOW" };
    let holder = doc! { "$literal": holder };
    let mine = doc! { "$eq": ["$holder", &holder] };
    let over = doc! { "$lte": [{ "$ifNull": ["$until", 0_i64] }, &now] };
    let next = doc! { "$add": [{ "$ifNull": ["$fence", 0_i64] }, 1_i64] };
    let seconds = doc! { "$toLong": { "$divide": [&now, 1000_i64] } };
    let next = doc! { "$max": [next, seconds] };
    let get = doc! { "$or": [&mine, &over] };
    doc! {
        "holder": { "$cond": [&get, &holder, "$holder"] },
        "fence": { "$cond": [over, next, "$fence"] },
        "until": { "$cond": [get, { "$add": [now, millis] }, "$until"] },
    }
}

fn claim(lease: Option<&Document>, holder: &str) -> Claim {
    let holds = |lease: &&Document| lease.get_str("holder") == Ok(holder);
    let fence = lease
        .filter(holds)
        .and_then(|lease| lease.get_i64("fence").ok());
    match fence.and_then(|fence| u64::try_from(fence).ok()) {
        Some(fence) => Claim::Held(Fence::new(fence)),
        None => Claim::Taken,
    }
}

/// Keeps the document: the fence must never fall.
async fn release(connection: &Connection, name: &str, holder: &str) -> Result<()> {
    let held = doc! { "_id": name, "holder": holder };
    let free = doc! { "$set": { "holder": "", "until": 0_i64 } };
    connection.leases.update_one(held, free).await.map(drop)
}
