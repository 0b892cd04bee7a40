//! kill -9 of the server in the middle of writes.

use super::{config, impatient, is_unavailable};
use push_core::Account;
use push_core::memory::MemoryStore;
use push_core::store::RegistrationStore;
use push_store_mongo::{MongoStore, open};
use push_tests::database::mongo::Server;
use push_tests::store::churn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::sleep;

const ROUNDS: u64 = 6;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_the_servers_being_killed() {
    let mut server = Server::own().await.unwrap();
    let database = server.fresh_database();
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let store = open(impatient(&database)).await.unwrap();
        rounds.push(churn_until_killed(&mut server, &store, round).await);
        server.start_again().await.unwrap();
    }
    let store = open(config(&database)).await.unwrap();
    for (round, acknowledged) in (0..).zip(rounds) {
        for (task, steps) in (0..).zip(acknowledged) {
            let left = accounts(&store, round, task).await;
            // The change in flight when it was killed may have made it.
            let expected = [
                model(round, task, steps).await,
                model(round, task, steps + 1).await,
            ];
            assert!(
                expected.contains(&left),
                "round {round} task {task} after {steps}"
            );
        }
    }
}

/// Killed after so many acknowledgements that each round ends at another point. How many of its changes each task saw
/// acknowledged.
async fn churn_until_killed(server: &mut Server, store: &MongoStore, round: u64) -> Vec<u64> {
    let total = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> = (0..churn::TASKS)
        .map(|task| tokio::spawn(churn_on(store.clone(), round, task, Arc::clone(&total))))
        .collect();
    while total.load(Ordering::Relaxed) < 20 + round * 37 {
        sleep(Duration::from_millis(1)).await;
    }
    server.kill().unwrap();
    let mut acknowledged = Vec::new();
    for task in tasks {
        acknowledged.push(task.await.unwrap());
    }
    acknowledged
}

/// Changes until there is no answer any more.
async fn churn_on(store: MongoStore, round: u64, task: u64, total: Arc<AtomicU64>) -> u64 {
    let mut steps = 0;
    loop {
        let outcome = store.commit(&[churn::change(round, task, steps)]).await;
        if is_unavailable(&outcome) {
            return steps;
        }
        outcome.unwrap();
        steps += 1;
        total.fetch_add(1, Ordering::Relaxed);
    }
}

async fn accounts(store: &dyn RegistrationStore, round: u64, task: u64) -> Vec<Account> {
    let loaded = store.load(&churn::owners(round, task)).await.unwrap();
    assert_eq!(loaded.corrupt, 0);
    loaded.accounts
}

async fn model(round: u64, task: u64, steps: u64) -> Vec<Account> {
    let model = MemoryStore::new();
    let changes: Vec<_> = (0..steps)
        .map(|step| churn::change(round, task, step))
        .collect();
    model.commit(&changes).await.unwrap();
    accounts(&model, round, task).await
}
