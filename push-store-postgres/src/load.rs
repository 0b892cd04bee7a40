//! The accounts of owners.

use crate::connection::Work;
use crate::row::Found;
use crate::statement::{LOAD, Prepared, sql};
use diesel::QueryResult;
use diesel::sql_types::{Array, Integer, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use jid::BareJid;
use push_core::row::bucket;

/// The rows of these owners, in their order.
pub(crate) struct Load<'a> {
    owners: Vec<&'a str>,
    buckets: Vec<i32>,
}

impl<'a> Load<'a> {
    pub(crate) fn new(owners: &'a [BareJid]) -> Self {
        Self {
            owners: owners.iter().map(|owner| owner.as_str()).collect(),
            buckets: owners.iter().map(|owner| bucket(owner).into()).collect(),
        }
    }
}

impl Work for Load<'_> {
    type Output = Vec<Found>;

    async fn run(&self, connection: &mut AsyncPgConnection) -> QueryResult<Self::Output> {
        let load = sql(LOAD)
            .bind::<Array<Text>, _>(&self.owners)
            .bind::<Array<Integer>, _>(&self.buckets);
        Prepared(load).load(connection).await
    }
}
