//! Calls that overlap.

use super::fresh;
use push_core::store::Committed;
use push_tests::store::{enable, registration, registrations, remove, remove_revision, target};
use std::time::Duration;
use tokio::time::timeout;

const ALICE: &str = "alice@example.org";

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_enables_of_one_key_leave_one_row() {
    let store = fresh().await;
    let calls: Vec<_> = (0..64)
        .map(|revision| {
            let store = store.share();
            let change = enable(ALICE, &registration("push.example.net", "n", revision));
            tokio::spawn(async move { store.commit(&[change]).await })
        })
        .collect();
    for call in calls {
        let done = call.await.unwrap().unwrap();
        let allowed = [Committed::Enabled, Committed::Superseded];
        assert!(done.len() == 1 && allowed.contains(&done[0]), "{done:?}");
    }
    // The latest, whole, in whatever order they arrived.
    let left = registrations(&*store, ALICE).await;
    assert_eq!(left, [registration("push.example.net", "n", 63)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_removals_one_wins() {
    let store = fresh().await;
    let change = enable(ALICE, &registration("push.example.net", "n", 1));
    store.commit(&[change]).await.unwrap();
    let calls: Vec<_> = (0..32)
        .map(|_| {
            let store = store.share();
            let change = remove_revision(ALICE, &target("push.example.net", "n"), 1);
            tokio::spawn(async move { store.commit(&[change]).await })
        })
        .collect();
    let mut removed = 0;
    for call in calls {
        match call.await.unwrap().unwrap()[..] {
            [Committed::Removed(count)] => removed += count,
            ref other => panic!("{other:?}"),
        }
    }
    assert_eq!(removed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_sees_what_was_acknowledged_to_them_while_others_write() {
    let store = fresh().await;
    let calls: Vec<_> = (0..16)
        .map(|task| {
            let store = store.share();
            tokio::spawn(async move {
                let owner = format!("u{task}@example.org");
                for revision in 0..20 {
                    let have = [registration("push.example.net", "n", revision)];
                    store.commit(&[enable(&owner, &have[0])]).await.unwrap();
                    assert_eq!(registrations(&*store, &owner).await, have);
                    let gone = remove(&owner, &have[0].target);
                    store.commit(&[gone]).await.unwrap();
                    assert_eq!(registrations(&*store, &owner).await, []);
                }
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
}

#[tokio::test]
async fn a_call_nobody_waits_for_harms_no_other() {
    let store = fresh().await;
    let have = registration("push.example.net", "n", 1);
    for _ in 0..50 {
        let change = [enable("bob@example.org", &have)];
        let call = store.commit(&change);
        // Polled once or not at all, then dropped.
        drop(timeout(Duration::ZERO, call).await);
    }
    store.commit(&[enable(ALICE, &have)]).await.unwrap();
    assert_eq!(registrations(&*store, ALICE).await, [have]);
}
