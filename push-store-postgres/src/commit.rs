//! Changes, written.

use crate::change::{Enable, Position, Removal, Settle, Wave};
use crate::connection::Work;
use crate::statement::{ENABLE, LOCK, Prepared, REMOVE, SETTLE, sql};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text};
use diesel::{QueryResult, QueryableByName};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use push_core::store::Committed;

/// All waves in one transaction, hence with one wait for the disk.
pub(crate) struct Commit<'a> {
    pub(crate) waves: Vec<Wave<'a>>,
    /// The outcome of each change if no statement says otherwise.
    pub(crate) nothing: Vec<Committed>,
}

impl Work for Commit<'_> {
    type Output = Vec<Committed>;

    async fn run(&self, connection: &mut AsyncPgConnection) -> QueryResult<Self::Output> {
        let statements = self.waves.iter().map(Wave::statements).sum::<usize>();
        if statements <= 1 {
            // A transaction of its own, which meets its rows in order.
            return self.write(connection).await;
        }
        let transaction = async |connection: &mut AsyncPgConnection| {
            self.lock(connection).await?;
            self.write(connection).await
        };
        connection.transaction(transaction).await
    }
}

impl Commit<'_> {
    /// Several statements would meet the rows in several orders.
    async fn lock(&self, connection: &mut AsyncPgConnection) -> QueryResult<()> {
        let mut owners: Vec<_> = self.waves.iter().flat_map(Wave::owners).collect();
        owners.sort_unstable();
        owners.dedup();
        if owners.len() > 1 {
            let (owners, buckets): (Vec<&str>, Vec<i32>) = owners.into_iter().unzip();
            let lock = sql(LOCK)
                .bind::<Array<Text>, _>(owners)
                .bind::<Array<Integer>, _>(buckets);
            Prepared(lock).execute(connection).await?;
        }
        Ok(())
    }

    async fn write(&self, connection: &mut AsyncPgConnection) -> QueryResult<Vec<Committed>> {
        let mut done = self.nothing.clone();
        for wave in &self.waves {
            enable(connection, &wave.enables, &mut done).await?;
            settle(connection, &wave.settles, &mut done).await?;
            remove(connection, &wave.removals, &mut done).await?;
        }
        Ok(done)
    }
}

/// The owner of a row that a statement has changed.
#[derive(QueryableByName)]
struct Changed {
    #[diesel(sql_type = Text)]
    owner: String,
}

/// The same field of each item: an array for the statement to unnest.
fn column<'a, T, C>(items: &'a [T], field: impl Fn(&'a T) -> C) -> Vec<C> {
    items.iter().map(field).collect()
}

async fn enable(
    connection: &mut AsyncPgConnection,
    enables: &[Enable<'_>],
    done: &mut [Committed],
) -> QueryResult<()> {
    if enables.is_empty() {
        return Ok(());
    }
    let enable = sql(ENABLE)
        .bind::<Array<Text>, _>(column(enables, |enable| enable.position.owner))
        .bind::<Array<Text>, _>(column(enables, |enable| &enable.row.service))
        .bind::<Array<Text>, _>(column(enables, |enable| &enable.row.node))
        .bind::<Array<Integer>, _>(column(enables, |enable| enable.position.bucket))
        .bind::<Array<BigInt>, _>(column(enables, |enable| enable.row.revision))
        .bind::<Array<Text>, _>(column(enables, |enable| &enable.row.status.status))
        .bind::<Array<Integer>, _>(column(enables, |enable| enable.row.status.refusals))
        .bind::<Array<Integer>, _>(column(enables, |enable| enable.row.status.days))
        .bind::<Array<BigInt>, _>(column(enables, |enable| enable.row.status.since))
        .bind::<Array<BigInt>, _>(column(enables, |enable| enable.row.status.last))
        .bind::<Array<BigInt>, _>(column(enables, |enable| enable.row.enabled_at))
        .bind::<Array<Text>, _>(column(enables, |enable| &enable.row.document));
    let changed: Vec<Changed> = Prepared(enable).load(connection).await?;
    for index in indices(&changed, enables, |enable| enable.position) {
        done[index] = Committed::Enabled;
    }
    Ok(())
}

async fn settle(
    connection: &mut AsyncPgConnection,
    settles: &[Settle<'_>],
    done: &mut [Committed],
) -> QueryResult<()> {
    if settles.is_empty() {
        return Ok(());
    }
    let settle = sql(SETTLE)
        .bind::<Array<Text>, _>(column(settles, |settle| settle.position.owner))
        .bind::<Array<Text>, _>(column(settles, |settle| settle.service))
        .bind::<Array<Text>, _>(column(settles, |settle| settle.node))
        .bind::<Array<Integer>, _>(column(settles, |settle| settle.position.bucket))
        .bind::<Array<BigInt>, _>(column(settles, |settle| settle.revision))
        .bind::<Array<Text>, _>(column(settles, |settle| &settle.status.status))
        .bind::<Array<Integer>, _>(column(settles, |settle| settle.status.refusals))
        .bind::<Array<Integer>, _>(column(settles, |settle| settle.status.days))
        .bind::<Array<BigInt>, _>(column(settles, |settle| settle.status.since))
        .bind::<Array<BigInt>, _>(column(settles, |settle| settle.status.last));
    let changed: Vec<Changed> = Prepared(settle).load(connection).await?;
    for index in indices(&changed, settles, |settle| settle.position) {
        done[index] = Committed::Settled;
    }
    Ok(())
}

async fn remove(
    connection: &mut AsyncPgConnection,
    removals: &[Removal<'_>],
    done: &mut [Committed],
) -> QueryResult<()> {
    if removals.is_empty() {
        return Ok(());
    }
    let remove = sql(REMOVE)
        .bind::<Array<Text>, _>(column(removals, |removal| removal.position.owner))
        .bind::<Array<Nullable<Text>>, _>(column(removals, |removal| removal.service))
        .bind::<Array<Nullable<Text>>, _>(column(removals, |removal| removal.node))
        .bind::<Array<Integer>, _>(column(removals, |removal| removal.position.bucket))
        .bind::<Array<BigInt>, _>(column(removals, |removal| removal.first))
        .bind::<Array<BigInt>, _>(column(removals, |removal| removal.last));
    let changed: Vec<Changed> = Prepared(remove).load(connection).await?;
    for index in indices(&changed, removals, |removal| removal.position) {
        done[index] = Committed::Removed(done[index].removed() + 1);
    }
    Ok(())
}

/// Returns where in the call the changes stand that changed these rows. Items are sorted by owner, and have none twice.
fn indices<'a, T>(
    changed: &'a [Changed],
    items: &'a [T],
    position: impl Fn(&T) -> Position<'_>,
) -> impl Iterator<Item = usize> {
    changed.iter().filter_map(move |changed| {
        let owner = changed.owner.as_str();
        let found = items.binary_search_by(|item| position(item).owner.cmp(owner));
        found.ok().map(|index| position(&items[index]).index)
    })
}
