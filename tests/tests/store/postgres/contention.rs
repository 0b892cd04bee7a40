//! Callers in each other's way.

use super::{closed, connect, store};
use push_core::store::{Change, Committed, RegistrationStore};
use push_tests::database::postgres::Database;
use push_tests::store::{enable, registration, registrations, remove_revision, settle, status};
use std::sync::Arc;

/// Two instances, the same owners, in opposite orders, several statements in each transaction.
#[tokio::test(flavor = "multi_thread")]
async fn commits_in_opposite_orders_wait_for_each_other() {
    let (database, one) = store().await;
    let stores = [Arc::new(one), Arc::new(connect(&database).await)];
    let all: Vec<_> = (0..20).map(|owner| change(owner, 0, 0)).collect();
    stores[0].commit(&all).await.unwrap();
    let calls: Vec<_> = (0..12)
        .map(|caller: u64| {
            let store = Arc::clone(&stores[(caller % 2) as usize]);
            tokio::spawn(async move {
                for turn in 0..15 {
                    store.commit(&changes(caller, turn)).await.unwrap();
                }
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    drop(stores);
    assert_eq!(deadlocks(&database).await, 0);
}

async fn deadlocks(database: &Database) -> u64 {
    closed(database).await;
    let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    database.execute(sql).await.unwrap().parse().unwrap()
}

/// Each owner twice: the second time in another wave, when all are locked by somebody already.
fn changes(caller: u64, turn: u64) -> Vec<Change> {
    let mut owners: Vec<u64> = (0..20).collect();
    if caller.is_multiple_of(2) {
        owners.reverse();
    }
    let twice = owners.iter().chain(owners.iter().rev());
    (caller..)
        .zip(twice)
        .map(|(kind, owner)| change(*owner, kind % 3, turn * 100 + caller))
        .collect()
}

/// Rows are changed, and stay.
fn change(owner: u64, kind: u64, revision: u64) -> Change {
    let owner = format!("u{owner}@example.org");
    let have = registration("push.example.net", "n", revision);
    match kind {
        0 => enable(&owner, &have),
        1 => settle(&owner, &have.target, revision, status(7)),
        _ => remove_revision(&owner, &have.target, 7_777),
    }
}

/// An operator's transaction has the second row and wants the first.
#[tokio::test]
async fn what_a_deadlock_undoes_is_done_again() {
    let (database, store) = store().await;
    let [one, two] = ["a@example.org", "b@example.org"];
    let have = registration("push.example.net", "n", 1);
    let changes = [enable(one, &have), enable(two, &have)];
    store.commit(&changes).await.unwrap();
    let update = |owner| format!("UPDATE registration SET refusals = 9 WHERE owner = '{owner}'");
    let sql = format!("{}; SELECT pg_sleep(0.6); {}", update(two), update(one));
    let operator = tokio::spawn({
        let database = database.clone();
        async move { database.execute(&sql).await }
    });
    let held = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    while database.execute(held).await.unwrap() == "0" {}
    let target = &have.target;
    let changes = [
        settle(one, target, 1, status(1)),
        remove_revision(two, target, 1),
    ];
    let done = store.commit(&changes).await.unwrap();
    assert_eq!(done, [Committed::Settled, Committed::Removed(1)]);
    operator.await.unwrap().unwrap();
    assert_eq!(registrations(&store, one).await[0].status, status(1));
    drop(store);
    assert_eq!(deadlocks(&database).await, 1);
}
