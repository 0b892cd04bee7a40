//! Loading.

use super::fresh;
use push_core::Account;
use push_core::store::Loaded;
use push_tests::store::{enable, jid, registration, registrations};

#[tokio::test]
async fn an_unknown_owner_is_an_empty_account() {
    let store = fresh().await;
    let nobody = jid("nobody@example.org");
    let loaded = store.load(std::slice::from_ref(&nobody)).await.unwrap();
    let accounts = vec![Account::empty(nobody)];
    assert_eq!(
        loaded,
        Loaded {
            accounts,
            corrupt: 0
        }
    );
}

#[tokio::test]
async fn accounts_come_in_the_order_asked_one_each() {
    let store = fresh().await;
    let have = registration("push.example.net", "n", 1);
    let changes = [
        enable("a@example.org", &have),
        enable("c@example.org", &have),
    ];
    store.commit(&changes).await.unwrap();
    let asked = ["c", "b", "a", "c"].map(|name| jid(&format!("{name}@example.org")));
    let accounts = store.load(&asked).await.unwrap().accounts;
    let owners: Vec<_> = accounts.iter().map(|account| &account.owner).collect();
    assert_eq!(owners, asked.iter().collect::<Vec<_>>());
    let counts: Vec<_> = accounts
        .iter()
        .map(|found| found.registrations.len())
        .collect();
    assert_eq!(counts, [1, 0, 1, 1]);
}

#[tokio::test]
async fn nobody_asked_for_is_nobody() {
    assert_eq!(fresh().await.load(&[]).await.unwrap(), Loaded::default());
}

#[tokio::test]
async fn registrations_are_ordered_by_service_and_node_as_bytes() {
    let store = fresh().await;
    let keys = [
        ("a.example.net", ""),
        ("a.example.net", "B"),
        ("a.example.net", "a"),
        ("a.example.net", "aa"),
        ("a.example.net", "é"),
        ("a.example.net", "\u{ff5e}"),
        // Above U+FFFF: UTF-16 order would put it before the one above.
        ("a.example.net", "\u{1F600}"),
        ("a.example.net.org", "a"),
        ("b.example.net", "A"),
    ];
    for (service, node) in [8, 3, 6, 0, 5, 1, 7, 4, 2].map(|at: usize| keys[at]) {
        let change = enable("alice@example.org", &registration(service, node, 1));
        store.commit(&[change]).await.unwrap();
    }
    let back = registrations(&*store, "alice@example.org").await;
    let back: Vec<_> = back
        .iter()
        .map(|have| (have.target.service.as_str(), have.target.node.as_str()))
        .collect();
    assert_eq!(back, keys);
}

#[tokio::test]
async fn many_owners_are_loaded_at_once() {
    let store = fresh().await;
    let owners: Vec<_> = (0..1500).map(|n| format!("u{n}@example.org")).collect();
    let changes: Vec<_> = owners
        .iter()
        .zip(0..)
        .map(|(owner, n)| enable(owner, &registration("push.example.net", "n", n)))
        .collect();
    store.commit(&changes).await.unwrap();
    let asked: Vec<_> = owners.iter().rev().map(|owner| jid(owner)).collect();
    let accounts = store.load(&asked).await.unwrap().accounts;
    let found: Vec<_> = accounts
        .iter()
        .map(|account| (&account.owner, account.registrations[0].revision.as_u64()))
        .collect();
    assert_eq!(found, asked.iter().zip((0..1500).rev()).collect::<Vec<_>>());
}

#[tokio::test]
async fn ten_thousand_others_change_nothing_for_one() {
    let store = fresh().await;
    let have = registration("push.example.net", "n", 1);
    let mut changes: Vec<_> = (0..store.often(10_000))
        .map(|n| enable(&format!("u{n}@example.org"), &have))
        .collect();
    changes.push(enable("u5@example.com", &have));
    store.commit(&changes).await.unwrap();
    assert_eq!(registrations(&*store, "u5@example.com").await, [have]);
    assert_eq!(registrations(&*store, "u@example.org").await, []);
}
