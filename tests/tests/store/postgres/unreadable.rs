//! Rows that cannot be read.

use super::store;
use push_core::store::{Committed, Kind, RegistrationStore};
use push_tests::store::{enable, jid, registration, registrations, remove};

const ALICE: &str = "alice@example.org";

/// Ways to spoil a row that the schema allows.
const SPOILED: [&str; 7] = [
    "document = '{\"v\":2}'",
    "document = 'secret'",
    "status = 'odd'",
    "status = 'failing', refusals = -1",
    "revision = -1",
    "enabled_at = -1",
    "service = '@'",
];

#[tokio::test]
async fn a_row_that_cannot_be_read_is_left_out_and_counted() {
    for spoil in SPOILED {
        let (database, store) = store().await;
        let have = ["a", "b", "c"].map(|node| registration("push.example.net", node, 1));
        for owner in [ALICE, "bob@example.org"] {
            let changes = have.clone().map(|have| enable(owner, &have));
            store.commit(&changes).await.unwrap();
        }
        let spoil =
            format!("UPDATE registration SET {spoil} WHERE owner = '{ALICE}' AND node = 'b'");
        database.execute(&spoil).await.unwrap();
        let asked = [jid(ALICE), jid("bob@example.org")];
        let loaded = store.load(&asked).await.unwrap();
        assert_eq!(loaded.corrupt, 1, "{spoil}");
        let [a, _, c] = &have;
        let others = [a.clone(), c.clone()];
        assert_eq!(loaded.accounts[0].registrations, others, "{spoil}");
        assert_eq!(loaded.accounts[1].registrations, have, "{spoil}");
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_can_be_replaced_and_removed() {
    let (database, store) = store().await;
    let have = [registration("push.example.net", "n", 1)];
    let spoil = || database.execute("UPDATE registration SET document = 'x'");
    store.commit(&[enable(ALICE, &have[0])]).await.unwrap();
    spoil().await.unwrap();
    store.commit(&[enable(ALICE, &have[0])]).await.unwrap();
    assert_eq!(registrations(&store, ALICE).await, have);
    spoil().await.unwrap();
    let gone = remove(ALICE, &have[0].target);
    let committed = store.commit(&[gone]).await.unwrap();
    assert_eq!(committed, [Committed::Removed(1)]);
}

#[tokio::test]
async fn pages_go_on_behind_rows_that_cannot_be_read() {
    let (database, store) = store().await;
    let have = registration("push.example.net", "n", 1);
    let owners = (0..20).map(|n| format!("u{n:02}@example.org"));
    let changes: Vec<_> = owners.map(|owner| enable(&owner, &have)).collect();
    store.commit(&changes).await.unwrap();
    // At the start, at the end, more of them in a row than a page holds, and one before all others.
    let spoil = "
        UPDATE registration SET status = 'odd'
        WHERE substr(owner, 2, 2) IN ('00', '05', '06', '07', '08', '09', '12', '18', '19');
        UPDATE registration SET owner = '@' WHERE owner = 'u15@example.org'";
    database.execute(spoil).await.unwrap();
    for limit in [1, 2, 3, 4, 20] {
        let (mut entries, mut corrupt, mut after) = (0, 0, None);
        loop {
            let page = store
                .page(Kind::Registrations, after.as_ref(), limit)
                .await
                .unwrap();
            assert!(page.entries.len() <= limit);
            entries += page.entries.len();
            corrupt += page.corrupt;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((entries, corrupt), (10, 10), "pages of {limit}");
    }
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.active, counts.other), (11, 9));
}
