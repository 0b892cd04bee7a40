//! Enabling, and values byte for byte.

use super::fresh;
use push_core::registration::{PublishOptions, Revision};
use push_core::store::Committed;
use push_core::{Registration, Timestamp};
use push_tests::store::{enable, registration, registrations};

const ALICE: &str = "alice@example.org";

#[tokio::test]
async fn what_is_enabled_is_there() {
    let store = fresh().await;
    let have = registration("push.example.net", "n", 1);
    let committed = store.commit(&[enable(ALICE, &have)]).await.unwrap();
    assert_eq!(committed, [Committed::Enabled]);
    assert_eq!(registrations(&*store, ALICE).await, [have]);
}

#[tokio::test]
async fn the_same_target_is_replaced_whole() {
    let store = fresh().await;
    let old = registration("push.example.net", "n", 4);
    let new = Registration {
        options: PublishOptions::default(),
        resource: None,
        ..registration("push.example.net", "n", 3)
    };
    let changes = [enable(ALICE, &old), enable(ALICE, &new)];
    let committed = store.commit(&changes).await.unwrap();
    assert_eq!(committed, [Committed::Enabled; 2]);
    assert_eq!(registrations(&*store, ALICE).await, [new]);
}

#[tokio::test]
async fn service_and_node_tell_targets_apart() {
    let store = fresh().await;
    let have = [
        registration("a.example.net", "", 1),
        registration("a.example.net", "N", 2),
        registration("a.example.net", "n", 3),
        registration("b.example.net", "n", 4),
    ];
    let changes: Vec<_> = have.iter().map(|have| enable(ALICE, have)).collect();
    store.commit(&changes).await.unwrap();
    assert_eq!(registrations(&*store, ALICE).await, have);
}

#[tokio::test]
async fn options_keep_their_order_and_bytes() {
    let store = fresh().await;
    let fields = [
        ("secret", "pa'ss\"w\\ord"),
        ("b", " \u{1F600}\r\n\t "),
        ("a", ""),
        ("a", "the same name again"),
        ("", "no name"),
        ("e\u{301}", "\u{e9} is not e\u{301}"),
        ("\u{fffd}", "\u{10ffff}\u{200f}<&>"),
    ];
    let have = Registration {
        options: PublishOptions::new(fields.map(|(n, v)| (n.into(), v.into())).into()),
        resource: Some("Gajim \u{1F4F1} 'x'".into()),
        ..registration("push.example.net", "n\u{301}\n", 1)
    };
    store.commit(&[enable(ALICE, &have)]).await.unwrap();
    let back = registrations(&*store, ALICE).await;
    assert_eq!(back, [have]);
    assert_eq!(back[0].options.fields().collect::<Vec<_>>(), fields);
}

#[tokio::test]
async fn the_largest_values_fit() {
    let store = fresh().await;
    let node = "\u{1F600}".repeat(1023 / 4);
    let have = Registration {
        options: PublishOptions::new(vec![("k".into(), "v".repeat(64 << 10))]),
        enabled_at: Timestamp::from_millis(i64::MAX as u64),
        revision: Revision::new(u64::MAX),
        ..registration("push.example.net", &node, 1)
    };
    store.commit(&[enable(ALICE, &have)]).await.unwrap();
    assert_eq!(registrations(&*store, ALICE).await, [have]);
}

#[tokio::test]
async fn the_longest_owner_and_service_fit() {
    let store = fresh().await;
    let part = "a".repeat(63);
    let host = format!("{part}.{part}.{part}");
    let owner = format!("{}@{host}", "u".repeat(1023));
    let have = registration(
        &format!("{}@{host}", "s".repeat(1023)),
        &"n".repeat(1023),
        1,
    );
    store.commit(&[enable(&owner, &have)]).await.unwrap();
    assert_eq!(registrations(&*store, &owner).await, [have]);
}
