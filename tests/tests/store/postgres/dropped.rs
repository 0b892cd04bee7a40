//! Calls that nobody waits for any more.

use super::{config, hasty, store};
use push_core::store::RegistrationStore;
use push_store_postgres::{PostgresConfig, PostgresStore};
use push_tests::database::postgres::fresh_database;
use push_tests::store::{enable, registration, registrations, remove_owner};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Two changes of one owner: a transaction of several statements, to be dropped between any two.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_dropped_at_any_point_leaves_nothing_to_the_next() {
    let database = fresh_database().await.unwrap();
    // Fewer connections than callers: what one has left would be found by another.
    let store = PostgresStore::new(&PostgresConfig {
        pool_size: 3,
        ..config(&database)
    });
    let store = Arc::new(store.unwrap());
    store.ready().await.unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut chance = ChaCha8Rng::seed_from_u64(task);
                let owner = format!("u{task}@example.org");
                for revision in 0..150 {
                    let have = registration("push.example.net", "n", revision);
                    let changes = [remove_owner(&owner), enable(&owner, &have)];
                    let patience = Duration::from_micros(chance.next_u64() % 6000);
                    let done = timeout(patience, store.commit(&changes)).await;
                    assert!(!matches!(done, Ok(Err(_))), "{done:?}");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let open = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    assert_eq!(database.execute(open).await.unwrap(), "0");
    for task in 0..8 {
        let owner = format!("u{task}@example.org");
        let have = registration("push.example.net", "n", 1000);
        let changes = [remove_owner(&owner), enable(&owner, &have)];
        store.commit(&changes).await.unwrap();
        assert_eq!(registrations(&*store, &owner).await, [have]);
    }
}

/// The row would stay locked for as long as the pool keeps the connection.
#[tokio::test]
async fn a_dropped_transaction_keeps_no_lock() {
    let (database, store) = store().await;
    let owners = ["a@example.org", "b@example.org"];
    let have = registration("push.example.net", "n", 1);
    let changes = owners.map(|owner| enable(owner, &have));
    store.commit(&changes).await.unwrap();
    // The transaction gets the first row and waits for this one.
    let update =
        "UPDATE registration SET refusals = 0 WHERE owner = 'b@example.org'; SELECT pg_sleep(2)";
    let holder = tokio::spawn({
        let database = database.clone();
        async move { database.execute(update).await }
    });
    let is_held = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    while database.execute(is_held).await.unwrap() == "0" {}
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let later = registration("push.example.net", "n", 2);
    let changes = [
        enable(owners[0], &later),
        remove_owner(owners[0]),
        remove_owner(owners[1]),
        enable(owners[0], &later),
    ];
    {
        let call = store.commit(&changes);
        tokio::pin!(call);
        loop {
            tokio::select! {
                done = &mut call => panic!("nothing was in its way: {done:?}"),
                count = database.execute(waiting) => if count.unwrap() != "0" { break },
            }
        }
    }
    // Another instance is not held up by what was dropped.
    let other = PostgresStore::new(&hasty(&database)).unwrap();
    let latest = registration("push.example.net", "n", 3);
    holder.await.unwrap().unwrap();
    other.commit(&[enable(owners[0], &latest)]).await.unwrap();
    assert_eq!(registrations(&other, owners[0]).await, [latest]);
}
