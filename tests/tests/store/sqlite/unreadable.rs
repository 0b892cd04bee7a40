//! Rows that cannot be read.

use super::{shell, store};
use push_core::store::{Committed, Kind, RegistrationStore};
use push_tests::store::{enable, jid, registration, registrations, remove};

const ALICE: &str = "alice@example.org";

/// Ways to spoil a row that the schema allows.
const SPOILED: [&str; 7] = [
    "document = '{\"v\":3}'",
    "document = 'secret'",
    "document = CAST(x'ff' AS TEXT)",
    "status = 'odd'",
    "revision = -1",
    "enabled_at = -1",
    "service = '@'",
];

#[tokio::test]
async fn a_row_that_cannot_be_read_is_left_out_and_counted() {
    for spoil in SPOILED {
        let (folder, store) = store();
        let have = ["a", "b", "c"].map(|node| registration("push.example.net", node, 1));
        for owner in [ALICE, "bob@example.org"] {
            let changes = have.clone().map(|have| enable(owner, &have));
            store.commit(&changes).await.unwrap();
        }
        let spoiled = format!("UPDATE registration SET {spoil} WHERE owner = ?1 AND node = 'b'");
        assert_eq!(shell(&folder).execute(&spoiled, [ALICE]).unwrap(), 1);
        let loaded = store
            .load(&[jid(ALICE), jid("bob@example.org")])
            .await
            .unwrap();
        assert_eq!(loaded.corrupt, 1, "{spoil}");
        let [_, b, _] = &have;
        let others: Vec<_> = have.iter().filter(|have| *have != b).cloned().collect();
        assert_eq!(loaded.accounts[0].registrations, others, "{spoil}");
        assert_eq!(loaded.accounts[1].registrations, have, "{spoil}");
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_can_be_replaced_and_removed() {
    let (folder, store) = store();
    let have = [registration("push.example.net", "n", 1)];
    let spoil = || shell(&folder).execute("UPDATE registration SET document = 'x'", []);
    store.commit(&[enable(ALICE, &have[0])]).await.unwrap();
    assert_eq!(spoil().unwrap(), 1);
    store.commit(&[enable(ALICE, &have[0])]).await.unwrap();
    assert_eq!(registrations(&store, ALICE).await, have);
    assert_eq!(spoil().unwrap(), 1);
    let gone = remove(ALICE, &have[0].target);
    let committed = store.commit(&[gone]).await.unwrap();
    assert_eq!(committed, [Committed::Removed(1)]);
    assert_eq!(registrations(&store, ALICE).await, []);
}

#[tokio::test]
async fn pages_go_on_behind_rows_that_cannot_be_read() {
    let (folder, store) = store();
    for n in 0..20 {
        let have = registration("push.example.net", "n", 1);
        let change = enable(&format!("u{n:02}@example.org"), &have);
        store.commit(&[change]).await.unwrap();
    }
    // At the start, at the end, and more of them in a row than a page holds.
    let spoiled = "UPDATE registration SET status = 'odd'
        WHERE substr(owner, 2, 2) IN ('00', '05', '06', '07', '08', '09', '12', '18', '19')";
    assert_eq!(shell(&folder).execute(spoiled, []).unwrap(), 9);
    shell(&folder)
        .execute(
            "UPDATE registration SET owner = '@' WHERE owner = 'u15@example.org'",
            [],
        )
        .unwrap();
    for limit in [1, 2, 3, 4, 20] {
        let (mut entries, mut corrupt, mut after) = (0, 0, None);
        loop {
            let page = store
                .page(Kind::Registrations, after.as_ref(), limit)
                .await
                .unwrap();
            assert!(page.entries.len() <= limit);
            entries += page.entries.len();
            assert!(entries <= 10, "pages of {limit} do not end");
            corrupt += page.corrupt;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((entries, corrupt), (10, 10), "pages of {limit}");
    }
}
