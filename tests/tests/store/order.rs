//! Late changes: the later revision prevails, in whatever order they arrive.

use super::fresh;
use push_core::store::{Change, Committed};
use push_tests::store::{
    enable, registration, registrations, remove, remove_owner, remove_service, target, up_to,
};

const ALICE: &str = "alice@example.org";
const PUSH: &str = "push.example.net";

/// Every removal that means Alice's node n.
fn removals() -> [Change; 3] {
    [
        remove(ALICE, &target(PUSH, "n")),
        remove_service(ALICE, PUSH),
        remove_owner(ALICE),
    ]
}

#[tokio::test]
async fn an_enable_from_before_another_changes_nothing() {
    let store = fresh().await;
    let late = registration(PUSH, "n", 7);
    let have = registration(PUSH, "n", 8);
    store.commit(&[enable(ALICE, &have)]).await.unwrap();
    let committed = store.commit(&[enable(ALICE, &late)]).await.unwrap();
    assert_eq!(committed, [Committed::Superseded]);
    assert_eq!(registrations(&*store, ALICE).await, [have]);
}

#[tokio::test]
async fn an_enable_from_before_another_changes_nothing_within_one_call() {
    let store = fresh().await;
    let (late, have) = (registration(PUSH, "n", 7), registration(PUSH, "n", 8));
    let changes = [enable(ALICE, &have), enable(ALICE, &late)];
    let committed = store.commit(&changes).await.unwrap();
    assert_eq!(committed, [Committed::Enabled, Committed::Superseded]);
    assert_eq!(registrations(&*store, ALICE).await, [have]);
}

#[tokio::test]
async fn the_same_enable_again_is_the_same() {
    let store = fresh().await;
    let have = registration(PUSH, "n", 7);
    for _ in 0..2 {
        let committed = store.commit(&[enable(ALICE, &have)]).await.unwrap();
        assert_eq!(committed, [Committed::Enabled]);
    }
    assert_eq!(registrations(&*store, ALICE).await, [have]);
}

#[tokio::test]
async fn a_removal_from_before_an_enable_removes_nothing() {
    for removal in removals() {
        let store = fresh().await;
        let have = registration(PUSH, "n", 8);
        store.commit(&[enable(ALICE, &have)]).await.unwrap();
        let committed = store.commit(&[up_to(removal, 7)]).await.unwrap();
        assert_eq!(committed, [Committed::Removed(0)]);
        assert_eq!(registrations(&*store, ALICE).await, [have]);
    }
}

#[tokio::test]
async fn a_removal_removes_what_was_enabled_up_to_it() {
    for removal in removals() {
        let store = fresh().await;
        let kept = registration(PUSH, "o", 9);
        let changes = [
            enable(ALICE, &registration(PUSH, "n", 8)),
            enable(ALICE, &kept),
        ];
        store.commit(&changes).await.unwrap();
        let committed = store.commit(&[up_to(removal, 8)]).await.unwrap();
        assert_eq!(committed, [Committed::Removed(1)]);
        assert_eq!(registrations(&*store, ALICE).await, [kept]);
    }
}
