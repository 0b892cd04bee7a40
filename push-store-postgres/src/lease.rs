//! Leases, by the database's clock.

use crate::PostgresStore;
use crate::connection::Work;
use crate::statement::{Prepared, RELEASE, TAKE, sql};
use async_trait::async_trait;
use diesel::sql_types::{BigInt, Text};
use diesel::{OptionalExtension, QueryResult, QueryableByName};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use push_core::lease::{Claim, Fence, LeaseStore};
use push_core::store::StoreError;
use std::time::Duration;

struct Take<'a> {
    name: &'a str,
    holder: &'a str,
    millis: i64,
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = BigInt)]
    fence: i64,
}

impl Work for Take<'_> {
    type Output = Claim;

    async fn run(&self, connection: &mut AsyncPgConnection) -> QueryResult<Claim> {
        let take = sql(TAKE)
            .bind::<Text, _>(self.name)
            .bind::<Text, _>(self.holder)
            .bind::<BigInt, _>(self.millis);
        let taken: Option<Taken> = Prepared(take).get_result(connection).await.optional()?;
        Ok(taken.map_or(Claim::Taken, |taken| {
            Claim::Held(Fence::new(taken.fence.unsigned_abs()))
        }))
    }
}

struct Release<'a> {
    name: &'a str,
    holder: &'a str,
}

impl Work for Release<'_> {
    type Output = usize;

    async fn run(&self, connection: &mut AsyncPgConnection) -> QueryResult<usize> {
        let release = sql(RELEASE)
            .bind::<Text, _>(self.name)
            .bind::<Text, _>(self.holder);
        Prepared(release).execute(connection).await
    }
}

#[async_trait]
impl LeaseStore for PostgresStore {
    async fn take(
        &self,
        name: &str,
        holder: &str,
        duration: Duration,
    ) -> Result<Claim, StoreError> {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let take = Take {
            name,
            holder,
            millis,
        };
        self.call(&take).await
    }

    async fn release(&self, name: &str, holder: &str) -> Result<(), StoreError> {
        self.call(&Release { name, holder }).await.map(drop)
    }
}
