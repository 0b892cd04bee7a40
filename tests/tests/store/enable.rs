//! Enabling, and values byte for byte.

use super::fresh;
use push_core::registration::{MAX_RESOURCE, PublishOptions, Revision};
use push_core::row::MAX_KEY;
use push_core::store::Committed;
use push_core::{Registration, Timestamp};
use push_tests::store::{enable, registration, registrations};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

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
    let old = registration("push.example.net", "n", 3);
    let new = Registration {
        options: PublishOptions::default(),
        resource: None,
        ..registration("push.example.net", "n", 4)
    };
    let changes = [enable(ALICE, &old), enable(ALICE, &new)];
    let committed = store.commit(&changes).await.unwrap();
    assert_eq!(committed, [Committed::Enabled; 2]);
    assert_eq!(registrations(&*store, ALICE).await, [new]);
}

#[tokio::test]
async fn the_longest_resource_comes_back_whole() {
    let store = fresh().await;
    // Three bytes each.
    let resource = "\u{20ac}".repeat(MAX_RESOURCE / 3);
    assert_eq!(resource.len(), MAX_RESOURCE);
    let have = Registration {
        resource: Some(resource),
        ..registration("push.example.net", "n", 1)
    };
    let committed = store.commit(&[enable(ALICE, &have)]).await.unwrap();
    assert_eq!(committed, [Committed::Enabled]);
    assert_eq!(registrations(&*store, ALICE).await, [have]);
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

/// Not compressible: a database may keep a long value shorter than it is.
fn noise(length: usize) -> String {
    let mut dice = ChaCha8Rng::seed_from_u64(length as u64);
    let letter = |_| char::from(b'a' + (dice.next_u32() % 26) as u8);
    (0..length).map(letter).collect()
}

#[tokio::test]
async fn the_longest_keys_fit() {
    let domain = [noise(63), noise(62), noise(61)].join(".");
    let local = 1023;
    let keys = [
        // Owner, service, node: one of them long, then all as long as they can be together.
        (
            format!("{}@{domain}", noise(local)),
            "push.example.net".to_owned(),
            noise(1023),
        ),
        (
            "a@b".to_owned(),
            format!("{}@{domain}", noise(local)),
            noise(1023),
        ),
        (
            format!("{}@{domain}", noise(local)),
            format!("{}@c", noise(318)),
            noise(1023),
        ),
    ];
    for (owner, service, node) in keys {
        assert!(owner.len() + service.len() + node.len() <= MAX_KEY);
        let store = fresh().await;
        let have = registration(&service, &node, 1);
        store.commit(&[enable(&owner, &have)]).await.unwrap();
        assert_eq!(registrations(&*store, &owner).await, [have]);
    }
}
