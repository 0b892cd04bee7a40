//! Questions.

use crate::pool::Work;
use crate::row::{Found, Key};
use crate::statement::{COUNT, LOAD, OWNERS, PAGE, Prepared, sql};
use diesel::sql_types::{Array, BigInt, Integer, Text};
use diesel::{QueryResult, QueryableByName};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use jid::BareJid;
use push_core::row::bucket;
use push_core::store::Counts;

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

/// The next rows behind a key, at most `limit`, in order.
pub(crate) struct Page<'a> {
    pub(crate) after: &'a Key,
    pub(crate) limit: usize,
}

impl Work for Page<'_> {
    type Output = Vec<Found>;

    async fn run(&self, connection: &mut AsyncPgConnection) -> QueryResult<Self::Output> {
        let (owner, service, node) = self.after;
        let page = sql(PAGE)
            .bind::<Text, _>(owner)
            .bind::<Text, _>(service)
            .bind::<Text, _>(node)
            .bind::<BigInt, _>(rows(self.limit));
        Prepared(page).load(connection).await
    }
}

/// An owner, as it is stored.
#[derive(QueryableByName)]
pub(crate) struct Owner {
    #[diesel(sql_type = Text)]
    pub(crate) owner: String,
    #[diesel(sql_type = Integer)]
    pub(crate) bucket: i32,
}

/// The next owners, at most `limit`, in order.
pub(crate) struct Owners<'a> {
    pub(crate) after: &'a str,
    pub(crate) limit: usize,
}

impl Work for Owners<'_> {
    type Output = Vec<Owner>;

    async fn run(&self, connection: &mut AsyncPgConnection) -> QueryResult<Self::Output> {
        let owners = sql(OWNERS)
            .bind::<Text, _>(self.after)
            .bind::<BigInt, _>(rows(self.limit));
        Prepared(owners).load(connection).await
    }
}

/// The statuses of the next rows, at most `limit`, counted; and where the next portion begins, if there may be one.
pub(crate) struct Count<'a> {
    pub(crate) after: &'a Key,
    pub(crate) limit: usize,
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = Text)]
    owner: String,
    #[diesel(sql_type = Text)]
    service: String,
    #[diesel(sql_type = Text)]
    node: String,
}

impl Work for Count<'_> {
    type Output = (Counts, Option<Key>);

    async fn run(&self, connection: &mut AsyncPgConnection) -> QueryResult<Self::Output> {
        let (owner, service, node) = self.after;
        let count = sql(COUNT)
            .bind::<Text, _>(owner)
            .bind::<Text, _>(service)
            .bind::<Text, _>(node)
            .bind::<BigInt, _>(rows(self.limit));
        let found: Vec<Counted> = Prepared(count).load(connection).await?;
        let mut counts = Counts::default();
        let mut last = None;
        for counted in found {
            counts.add(&counted.status, counted.count.unsigned_abs());
            last = Some((counted.owner, counted.service, counted.node));
        }
        let full = counts.total() >= self.limit as u64;
        Ok((counts, last.filter(|_| full)))
    }
}

fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
