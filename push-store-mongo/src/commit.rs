//! Changing: waves of changes of different owners, each of them at once.

use crate::change::{Job, jobs, waves};
use crate::command;
use crate::connection::Connection;
use crate::enable;
use crate::schema::Facts;
use mongodb::bson::{Document, doc};
use mongodb::error::Result;
use push_core::store::{Change, Committed, StoreError};
use std::panic::resume_unwind;
use std::sync::Arc;
use tokio::task::JoinSet;

/// How many commands of one call are on their way at once. Fewer than there are connections: other calls want some.
const AT_ONCE: usize = 8;

/// Applies `changes`: those of one owner one after the other, those of different owners side by side.
pub(crate) async fn commit(
    connection: &Arc<Connection>,
    facts: Facts,
    changes: &[Change],
) -> std::result::Result<Vec<Committed>, StoreError> {
    let mut committed = vec![Committed::Superseded; changes.len()];
    for wave in waves(changes) {
        for (index, done) in apply(connection, facts, jobs(wave)?).await? {
            committed[index] = done;
        }
    }
    Ok(committed)
}

type Done = Vec<(usize, Committed)>;

/// Does all jobs, a few at once. When one fails the others still end, rather than have their connections closed.
async fn apply(
    connection: &Arc<Connection>,
    facts: Facts,
    jobs: Vec<Job>,
) -> std::result::Result<Done, StoreError> {
    let (mut done, mut failed) = (Vec::new(), None);
    let mut running = JoinSet::new();
    let mut jobs = jobs.into_iter();
    loop {
        while running.len() < AT_ONCE
            && failed.is_none()
            && let Some(job) = jobs.next()
        {
            let connection = Arc::clone(connection);
            running.spawn(async move { perform(&connection, facts, job).await });
        }
        match running.join_next().await {
            None => return failed.map_or(Ok(done), Err),
            Some(Ok(Ok(more))) => done.extend(more),
            Some(Ok(Err(error))) => failed = Some(error),
            // Nothing here aborts a task: it has panicked.
            Some(Err(panic)) => resume_unwind(panic.into_panic()),
        }
    }
}

async fn perform(
    connection: &Connection,
    facts: Facts,
    job: Job,
) -> std::result::Result<Done, StoreError> {
    let one = |index, done: Result<Committed>| {
        let done = done.map_err(|error| connection.error(&error))?;
        Ok(vec![(index, done)])
    };
    match job {
        Job::Enable(enables) => {
            let (indices, enables): (Vec<_>, Vec<_>) = enables.into_iter().unzip();
            let done = enable::enable(connection, &enables).await?;
            Ok(indices.into_iter().zip(done).collect())
        }
        Job::Settle(index, filter, update) => one(index, settle(connection, filter, update).await),
        Job::Remove(index, filter) => one(index, remove(connection, filter).await),
        Job::RemoveAll(index, filter) if facts.transactions => {
            one(index, remove_all(connection, filter).await)
        }
        Job::RemoveAll(index, filter) => {
            let removed = command::delete(connection, filter, None).await?;
            Ok(vec![(index, count(removed))])
        }
    }
}

async fn settle(connection: &Connection, filter: Document, update: Document) -> Result<Committed> {
    let settled = connection.registrations.find_one_and_update(filter, update);
    let settled = settled.projection(nothing());
    Ok(
        match settled.max_time(connection.statement_timeout).await? {
            Some(_) => Committed::Settled,
            None => Committed::Superseded,
        },
    )
}

async fn remove(connection: &Connection, filter: Document) -> Result<Committed> {
    let removed = connection.registrations.find_one_and_delete(filter);
    let removed = removed.projection(nothing());
    let removed = removed.max_time(connection.statement_timeout).await?;
    Ok(Committed::Removed(removed.iter().count()))
}

/// That a document was found is all that is asked. Other than an update or a delete, what finds and modifies can be limited
/// in time; the driver repeats it as safely.
fn nothing() -> Document {
    doc! { "_id": 1 }
}

/// All or none of them, hence in a transaction. One that is given up is never committed.
async fn remove_all(connection: &Connection, filter: Document) -> Result<Committed> {
    let registrations = connection.registrations.clone();
    let mut session = connection.client.start_session().await?;
    let transaction = session
        .start_transaction()
        .max_commit_time(connection.statement_timeout);
    let removed = transaction.and_run2(async move |session| {
        let removed = registrations.delete_many(filter.clone());
        removed.session(session).await
    });
    removed.await.map(|removed| count(removed.deleted_count))
}

fn count(removed: u64) -> Committed {
    Committed::Removed(usize::try_from(removed).unwrap_or(usize::MAX))
}
