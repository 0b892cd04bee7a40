//! Everything there is, a portion at a time, so that no statement takes long.

use crate::connection::Work;
use crate::row::Key;
use crate::statement::{COUNT, OWNERS, Prepared, limited, sql};
use diesel::sql_types::{BigInt, Integer, Text};
use diesel::{QueryResult, QueryableByName};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use push_core::store::Counts;

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
            .bind::<BigInt, _>(limited(self.limit));
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
            .bind::<BigInt, _>(limited(self.limit));
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
