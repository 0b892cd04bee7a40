//! Removing: each scope, its guard, and nothing beyond.

use super::fresh;
use push_core::store::{Change, Committed, RegistrationStore};
use push_tests::store::{
    enable, registration, registrations, remove, remove_owner, remove_revision, remove_service,
    target,
};

const ALICE: &str = "alice@example.org";
const BOB: &str = "bob@example.org";
const ONE: &str = "one.example.net";
const TWO: &str = "two.example.net";

/// Alice and Bob have nodes a and b of both services; the revisions are 1 to 4.
async fn populate(store: &dyn RegistrationStore) {
    let keys = [(ONE, "a"), (ONE, "b"), (TWO, "a"), (TWO, "b")];
    let changes: Vec<_> = [ALICE, BOB]
        .iter()
        .flat_map(|owner| {
            keys.iter()
                .zip(1..)
                .map(move |((service, node), revision)| {
                    enable(owner, &registration(service, node, revision))
                })
        })
        .collect();
    store.commit(&changes).await.unwrap();
}

async fn revisions(store: &dyn RegistrationStore, owner: &str) -> Vec<u64> {
    let found = registrations(store, owner).await;
    found.iter().map(|have| have.revision.as_u64()).collect()
}

/// What is left to Alice, once it is seen that Bob kept everything.
async fn after(changes: &[Change], expected: &[Committed]) -> Vec<u64> {
    let store = fresh().await;
    populate(&*store).await;
    assert_eq!(store.commit(changes).await.unwrap(), expected);
    assert_eq!(revisions(&*store, BOB).await, [1, 2, 3, 4]);
    revisions(&*store, ALICE).await
}

#[tokio::test]
async fn one_target_goes() {
    let left = after(
        &[remove(ALICE, &target(ONE, "b"))],
        &[Committed::Removed(1)],
    )
    .await;
    assert_eq!(left, [1, 3, 4]);
}

#[tokio::test]
async fn a_service_goes_with_all_its_nodes() {
    let left = after(&[remove_service(ALICE, ONE)], &[Committed::Removed(2)]).await;
    assert_eq!(left, [3, 4]);
}

#[tokio::test]
async fn an_owner_goes_with_everything() {
    let left = after(&[remove_owner(ALICE)], &[Committed::Removed(4)]).await;
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn the_current_revision_is_removed() {
    let guarded = remove_revision(ALICE, &target(ONE, "b"), 2);
    assert_eq!(after(&[guarded], &[Committed::Removed(1)]).await, [1, 3, 4]);
}

#[tokio::test]
async fn a_stale_revision_removes_nothing() {
    for revision in [0, 1, 3, u64::MAX] {
        let guarded = remove_revision(ALICE, &target(ONE, "b"), revision);
        assert_eq!(
            after(&[guarded], &[Committed::Removed(0)]).await,
            [1, 2, 3, 4]
        );
    }
}

#[tokio::test]
async fn a_revision_from_before_a_new_enable_removes_nothing() {
    let changes = [
        enable(ALICE, &registration(ONE, "b", 9)),
        remove_revision(ALICE, &target(ONE, "b"), 2),
    ];
    let left = after(&changes, &[Committed::Enabled, Committed::Removed(0)]).await;
    assert_eq!(left, [1, 9, 3, 4]);
}

#[tokio::test]
async fn a_revision_from_before_a_disable_removes_nothing() {
    let changes = [
        remove(ALICE, &target(ONE, "b")),
        remove_revision(ALICE, &target(ONE, "b"), 2),
    ];
    let left = after(&changes, &[Committed::Removed(1), Committed::Removed(0)]).await;
    assert_eq!(left, [1, 3, 4]);
}

#[tokio::test]
async fn removing_what_is_not_there_succeeds() {
    let changes = [
        remove(ALICE, &target(ONE, "c")),
        remove(ALICE, &target("three.example.net", "a")),
        remove_revision(ALICE, &target(ONE, "c"), 1),
        remove_service(ALICE, "three.example.net"),
        remove("carol@example.org", &target(ONE, "a")),
        remove_service("carol@example.org", ONE),
        remove_owner("carol@example.org"),
    ];
    assert_eq!(
        after(&changes, &[Committed::Removed(0); 7]).await,
        [1, 2, 3, 4]
    );
}

#[tokio::test]
async fn changes_apply_in_order() {
    let changes = [
        remove_owner(ALICE),
        enable(ALICE, &registration(ONE, "b", 7)),
        enable(ALICE, &registration(TWO, "b", 8)),
        remove_service(ALICE, TWO),
    ];
    let expected = [
        Committed::Removed(4),
        Committed::Enabled,
        Committed::Enabled,
        Committed::Removed(1),
    ];
    assert_eq!(after(&changes, &expected).await, [7]);
}

#[tokio::test]
async fn no_change_is_no_change() {
    assert_eq!(after(&[], &[]).await, [1, 2, 3, 4]);
}
