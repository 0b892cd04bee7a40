//! Another program holds the lock.

use super::{config, path, shell, store};
use push_core::store::{Committed, RegistrationStore, StoreError};
use push_store_sqlite::{SqliteConfig, open};
use push_tests::store::{enable, registration, registrations};
use std::sync::Arc;
use std::time::Duration;

const ALICE: &str = "alice@example.org";

fn is_locked(outcome: &Result<Vec<Committed>, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Unavailable { reason }) if reason.contains("locked"))
}

#[tokio::test]
async fn a_shell_in_a_transaction_delays_writes_and_nothing_else() {
    let (folder, store) = store();
    let store = Arc::new(store);
    let old = registration("push.example.net", "n", 1);
    store.commit(&[enable(ALICE, &old)]).await.unwrap();

    let shell = shell(&folder);
    shell.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let new = registration("push.example.net", "n", 2);
    let call = tokio::spawn({
        let (store, change) = (Arc::clone(&store), enable(ALICE, &new));
        async move { store.commit(&[change]).await }
    });
    // One thread runs all of this: it is not the one that waits for the lock.
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(registrations(&*store, ALICE).await, [old]);
    assert!(!call.is_finished());
    assert!(is_locked(&call.await.unwrap()));

    shell.execute_batch("ROLLBACK").unwrap();
    store.commit(&[enable(ALICE, &new)]).await.unwrap();
    assert_eq!(registrations(&*store, ALICE).await, [new]);
}

#[tokio::test]
async fn a_lock_that_goes_in_time_is_not_noticed() {
    let (folder, first) = store();
    drop(first);
    let store = open(SqliteConfig::new(path(&folder))).unwrap();
    let shell = shell(&folder);
    shell.execute_batch("BEGIN IMMEDIATE").unwrap();
    let unlock = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        shell.execute_batch("ROLLBACK").unwrap();
    });
    let change = enable(ALICE, &registration("push.example.net", "n", 1));
    store.commit(&[change]).await.unwrap();
    unlock.join().unwrap();
}

#[tokio::test]
async fn all_that_wait_are_answered_together() {
    let (folder, store) = store();
    let store = Arc::new(store);
    let shell = shell(&folder);
    shell.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let calls: Vec<_> = (0..100)
        .map(|n| {
            let store = Arc::clone(&store);
            let change = enable(ALICE, &registration("push.example.net", "n", n));
            tokio::spawn(async move { store.commit(&[change]).await })
        })
        .collect();
    // One by one they would take 100 times the busy timeout, 20 s.
    let answered = tokio::time::timeout(Duration::from_secs(10), async {
        for call in calls {
            assert!(is_locked(&call.await.unwrap()));
        }
    });
    answered.await.unwrap();
}

#[tokio::test]
async fn a_full_queue_is_answered_at_once() {
    let (folder, first) = store();
    drop(first);
    let store = open(SqliteConfig {
        queue: 2,
        ..SqliteConfig::new(path(&folder))
    });
    let store = Arc::new(store.unwrap());
    let shell = shell(&folder);
    shell.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let call = |n| {
        let store = Arc::clone(&store);
        let change = enable(ALICE, &registration("push.example.net", "n", n));
        tokio::spawn(async move { store.commit(&[change]).await })
    };
    let mut calls = vec![call(0)];
    // Time for the writer to take that one and wait for the lock.
    tokio::time::sleep(Duration::from_millis(50)).await;
    calls.extend((1..50).map(call));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let refused = calls.iter().filter(|call| call.is_finished()).count();
    // 47, unless the writer was late.
    assert!(refused > 0);
    shell.execute_batch("ROLLBACK").unwrap();
    let mut enabled = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(_) => enabled += 1,
            Err(StoreError::Unavailable { reason }) => {
                assert!(reason.contains("waiting"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(enabled, 50 - refused);
}

#[tokio::test]
async fn a_change_that_was_given_up_while_it_waited_is_not_written() {
    let (folder, first) = store();
    drop(first);
    let store = Arc::new(open(SqliteConfig::new(path(&folder))).unwrap());
    let shell = shell(&folder);
    shell.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let call = |node: &str| {
        let store = Arc::clone(&store);
        let change = enable(ALICE, &registration("push.example.net", node, 1));
        tokio::spawn(async move { store.commit(&[change]).await })
    };
    let under_way = call("under way");
    // Time for the writer to take that one and wait for the lock.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (given_up, waiting) = (call("given up"), call("waiting"));
    tokio::time::sleep(Duration::from_millis(50)).await;
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    shell.execute_batch("ROLLBACK").unwrap();
    for call in [under_way, waiting] {
        assert_eq!(call.await.unwrap().unwrap(), [Committed::Enabled]);
    }
    let stored = registrations(&*store, ALICE).await;
    let nodes: Vec<_> = stored
        .iter()
        .map(|have| have.target.node.as_str())
        .collect();
    assert_eq!(nodes, ["under way", "waiting"]);
}

#[test]
fn a_file_that_somebody_has_for_themselves_cannot_be_opened_yet() {
    let (folder, store) = store();
    drop(store);
    let shell = shell(&folder);
    shell
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
        .unwrap();
    match open(config(&path(&folder))) {
        Err(StoreError::Unavailable { reason }) => assert!(reason.contains("locked"), "{reason}"),
        other => panic!("{other:?}"),
    }
    drop(shell);
    open(config(&path(&folder))).unwrap();
}
