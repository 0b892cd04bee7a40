//! The accounts of owners.

use crate::connection::Connection;
use crate::row;
use jid::BareJid;
use mongodb::bson::{Document, doc};
use mongodb::error::Result;
use push_core::row::{UnreadableRows, bucket};
use push_core::store::{Loaded, StoreError};
use push_core::{Account, Registration};
use std::collections::{BTreeMap, BTreeSet};

/// How many documents the server sends at a time.
const AT_A_TIME: u32 = 1024;

pub(crate) async fn load(
    connection: &Connection,
    owners: &[BareJid],
) -> std::result::Result<Loaded, StoreError> {
    let found = accounts(connection, owners).await;
    found.map_err(|error| connection.error(&error))
}

async fn accounts(connection: &Connection, owners: &[BareJid]) -> Result<Loaded> {
    let mut documents = connection.find(of(owners), AT_A_TIME).await?;
    let mut found: BTreeMap<BareJid, Vec<Registration>> = BTreeMap::new();
    let mut unreadable = UnreadableRows::default();
    while documents.advance().await? {
        let document = documents.current();
        let entry = row::noted(
            &mut unreadable,
            row::owner_of(document),
            row::entry(document),
        );
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
        corrupt: row::logged(unreadable),
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
