//! A page of the listing.

use crate::connection::Work;
use crate::row::{Found, Key};
use crate::statement::{PAGE, Prepared, limited, sql};
use diesel::QueryResult;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

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
            .bind::<BigInt, _>(limited(self.limit));
        Prepared(page).load(connection).await
    }
}
