//! A server that goes and comes back.

use super::{config, connect, hasty, store};
use push_core::store::{RegistrationStore, StoreError};
use push_store_postgres::{PostgresConfig, PostgresStore};
use push_tests::database::postgres::{Cluster, fresh_database};
use push_tests::store::{enable, registration, registrations};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const ALICE: &str = "alice@example.org";

#[tokio::test(flavor = "multi_thread")]
async fn calls_go_on_when_all_connections_are_terminated() {
    let (database, store) = store().await;
    let store = Arc::new(store);
    for round in 0..5 {
        // Each of them uses a connection.
        let calls: Vec<_> = (0..16)
            .map(|task| {
                let store = Arc::clone(&store);
                let change = enable(
                    &format!("u{task}@example.org"),
                    &registration("push.example.net", "n", round),
                );
                tokio::spawn(async move { store.commit(&[change]).await })
            })
            .collect();
        for call in calls {
            call.await.unwrap().unwrap();
        }
        assert!(database.terminate_connections().await.unwrap() > 1);
        let have = [registration("push.example.net", "n", round)];
        for task in 0..16 {
            let owner = format!("u{task}@example.org");
            assert_eq!(registrations(&*store, &owner).await, have);
        }
    }
}

/// What is under way when its connection goes is done again, or told as not done.
#[tokio::test(flavor = "multi_thread")]
async fn calls_under_way_survive_being_terminated() {
    let (database, store) = store().await;
    let store = Arc::new(store);
    let calls: Vec<_> = (0..8)
        .map(|task| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let owner = format!("u{task}@example.org");
                for revision in 0..300 {
                    let have = registration("push.example.net", "n", revision);
                    store.commit(&[enable(&owner, &have)]).await.unwrap();
                    assert_eq!(registrations(&*store, &owner).await, [have]);
                }
            })
        })
        .collect();
    let mut terminated = 0;
    while calls.iter().any(|call| !call.is_finished()) {
        terminated += database.terminate_connections().await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for call in calls {
        call.await.unwrap();
    }
    assert!(terminated > 10, "{terminated}");
}

#[tokio::test]
async fn a_store_recovers_by_itself_from_a_restart() {
    let mut cluster = Cluster::own().await.unwrap();
    let database = cluster.fresh_database().await.unwrap();
    let store = connect(&database).await;
    let have = [registration("push.example.net", "n", 1)];
    let change = [enable(ALICE, &have[0])];
    store.commit(&change).await.unwrap();
    for kill in [false, true] {
        if kill {
            cluster.kill().unwrap();
        } else {
            cluster.stop().await.unwrap();
        }
        let error = store.commit(&change).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        cluster.start_again().await.unwrap();
        assert_eq!(registrations(&store, ALICE).await, have);
        store.commit(&change).await.unwrap();
    }
}

#[tokio::test]
async fn a_store_that_was_made_while_the_server_was_away_recovers_by_itself() {
    let mut cluster = Cluster::own().await.unwrap();
    let database = cluster.fresh_database().await.unwrap();
    cluster.stop().await.unwrap();
    let store = PostgresStore::new(&config(&database)).unwrap();
    let have = registration("push.example.net", "n", 1);
    for error in [
        store.ready().await.unwrap_err(),
        store.commit(&[enable(ALICE, &have)]).await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    }
    cluster.start_again().await.unwrap();
    store.commit(&[enable(ALICE, &have)]).await.unwrap();
    assert_eq!(registrations(&store, ALICE).await, [have]);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_without_a_connection_end_when_they_have_waited_and_nothing_is_lost() {
    let database = fresh_database().await.unwrap();
    let store = PostgresStore::new(&PostgresConfig {
        pool_size: 2,
        ..hasty(&database)
    });
    let store = Arc::new(store.unwrap());
    store.ready().await.unwrap();
    let have = registration("push.example.net", "n", 1);
    let commit = |owner: String| {
        let (store, have) = (Arc::clone(&store), have.clone());
        tokio::spawn(async move { store.commit(&[enable(&owner, &have)]).await })
    };
    // A lock in which calls get stuck, for a second.
    let lock = tokio::spawn({
        let database = database.clone();
        async move {
            database
                .execute("LOCK TABLE registration; SELECT pg_sleep(1)")
                .await
        }
    });
    let locked =
        "SELECT count(*) FROM pg_locks WHERE relation = 'registration'::regclass AND granted";
    while database.execute(locked).await.unwrap() == "0" {}
    let asked = Instant::now();
    let calls: Vec<_> = (0..8)
        .map(|task| commit(format!("u{task}@example.org")))
        .collect();
    let mut stored = 0;
    for (task, call) in calls.into_iter().enumerate() {
        let left = registrations_of(&store, task);
        match call.await.unwrap() {
            Ok(_) => {
                stored += 1;
                assert_eq!(left.await.len(), 1);
            }
            Err(StoreError::Unavailable { reason }) => {
                assert!(reason.contains("all 2 connections"), "{reason}");
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(stored, 2, "after {:?}", asked.elapsed());
    lock.await.unwrap().unwrap();
    commit(ALICE.into()).await.unwrap().unwrap();
}

async fn registrations_of(store: &PostgresStore, task: usize) -> Vec<push_core::Registration> {
    registrations(store, &format!("u{task}@example.org")).await
}
