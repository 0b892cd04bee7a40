//! How a registration fares.

use super::fresh;
use push_core::Registration;
use push_core::store::{Committed, Counts};
use push_tests::store::{
    enable, registration, registrations, remove, remove_revision, settle, status, target,
};

const ALICE: &str = "alice@example.org";
const PUSH: &str = "push.example.net";

#[tokio::test]
async fn every_status_is_kept_and_nothing_else_changes() {
    let store = fresh().await;
    let have = registration(PUSH, "n", 5);
    let other = registration(PUSH, "o", 5);
    let changes = [enable(ALICE, &have), enable(ALICE, &other)];
    store.commit(&changes).await.unwrap();
    for number in [1, 2, 0] {
        let change = settle(ALICE, &have.target, 5, status(number));
        let committed = store.commit(&[change]).await.unwrap();
        assert_eq!(committed, [Committed::Settled]);
        let settled = Registration {
            status: status(number),
            ..have.clone()
        };
        assert_eq!(
            registrations(&*store, ALICE).await,
            [settled, other.clone()]
        );
    }
}

#[tokio::test]
async fn an_enable_begins_anew() {
    let store = fresh().await;
    let again = registration(PUSH, "n", 6);
    let changes = [
        enable(ALICE, &registration(PUSH, "n", 5)),
        settle(ALICE, &target(PUSH, "n"), 5, status(1)),
        enable(ALICE, &again),
    ];
    store.commit(&changes).await.unwrap();
    assert_eq!(registrations(&*store, ALICE).await, [again]);
}

#[tokio::test]
async fn what_was_found_for_a_replaced_revision_changes_nothing() {
    let store = fresh().await;
    let have = registration(PUSH, "n", 6);
    let changes = [
        enable(ALICE, &registration(PUSH, "n", 5)),
        enable(ALICE, &have),
    ];
    store.commit(&changes).await.unwrap();
    let late = [
        settle(ALICE, &have.target, 5, status(2)),
        remove_revision(ALICE, &have.target, 5),
    ];
    let committed = store.commit(&late).await.unwrap();
    assert_eq!(committed, [Committed::Superseded, Committed::Removed(0)]);
    assert_eq!(registrations(&*store, ALICE).await, [have]);
}

#[tokio::test]
async fn what_was_found_for_a_removed_registration_changes_nothing() {
    let store = fresh().await;
    let gone = target(PUSH, "n");
    let changes = [
        enable(ALICE, &registration(PUSH, "n", 5)),
        remove(ALICE, &gone),
        settle(ALICE, &gone, 5, status(1)),
        settle("bob@example.org", &gone, 5, status(1)),
    ];
    let committed = store.commit(&changes).await.unwrap();
    assert_eq!(committed[2..], [Committed::Superseded; 2]);
    assert_eq!(registrations(&*store, ALICE).await, []);
}

#[tokio::test]
async fn registrations_are_counted_by_status() {
    let store = fresh().await;
    assert_eq!(store.counts().await.unwrap(), Counts::default());
    for number in 0..9 {
        let have = registration(PUSH, &format!("n{number}"), 1);
        let changes = [
            enable(ALICE, &have),
            settle(ALICE, &have.target, 1, status(number / 2)),
        ];
        store.commit(&changes).await.unwrap();
    }
    let counts = store.counts().await.unwrap();
    let by_status = (counts.active, counts.failing, counts.quarantined);
    assert_eq!(by_status, (4, 3, 2));
    assert_eq!((counts.other, counts.total()), (0, 9));
}
