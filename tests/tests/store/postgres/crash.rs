//! kill -9 of the whole server in the middle of writes.

use super::{connect, hasty};
use push_core::store::RegistrationStore;
use push_store_postgres::PostgresStore;
use push_tests::database::postgres::{Cluster, Database};
use push_tests::store::churn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const ROUNDS: u64 = 6;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_crash_of_the_server() {
    let mut cluster = Cluster::own().await.unwrap();
    let database = cluster.fresh_database().await.unwrap();
    drop(connect(&database).await);
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        rounds.push(churn_until_killed(&mut cluster, &database, round).await);
        cluster.start_again().await.unwrap();
    }
    let store = connect(&database).await;
    for (round, acknowledged) in (0..).zip(rounds) {
        for (task, steps) in (0..).zip(acknowledged) {
            assert!(
                churn::is_kept(&store, round, task, steps).await,
                "round {round} task {task} after {steps}"
            );
        }
    }
}

/// Killed after so many acknowledgements that each round ends at another point of the course; how many there were, for
/// each task.
async fn churn_until_killed(cluster: &mut Cluster, database: &Database, round: u64) -> Vec<u64> {
    let store = Arc::new(PostgresStore::new(&hasty(database)).unwrap());
    let acknowledged = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> = (0..churn::TASKS)
        .map(|task| {
            let (store, acknowledged) = (Arc::clone(&store), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                let mut step = 0;
                while store
                    .commit(&[churn::change(round, task, step)])
                    .await
                    .is_ok()
                {
                    step += 1;
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                step
            })
        })
        .collect();
    let enough = 200 + round * 97;
    while acknowledged.load(Ordering::Relaxed) < enough {
        tokio::task::yield_now().await;
    }
    cluster.kill().unwrap();
    let mut steps = Vec::new();
    for task in tasks {
        steps.push(task.await.unwrap());
    }
    steps
}
