//! Sealed options: the suite through the sealing store, and what becomes of rows that do not open.

#[path = "suite.rs"]
mod suite;

use push_core::registration::PublishOptions;
use push_core::store::{Kind, Loaded, RegistrationStore};
use push_core::{MemoryStore, Registration};
use push_driver::sealed::{Key, Keys, SealedStore};
use push_tests::store::{Fresh, enable, jid, registration, registrations, remove};
use std::sync::Arc;

const ALICE: &str = "alice@example.org";
const PUSH: &str = "push.example.net";

/// Three keys, as files hold them.
const KEYS: [&str; 3] = [
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=",
    "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=",
];

async fn fresh() -> Fresh {
    Fresh::new(sealed(&Arc::new(MemoryStore::new()), &[0]), ())
}

/// `inner` with the keys of these numbers.
fn sealed(inner: &Arc<MemoryStore>, keys: &[usize]) -> SealedStore {
    let keys = keys.iter().map(|key| Key::from_text(KEYS[*key]).unwrap());
    SealedStore::new(inner.clone(), Keys::new(keys.collect()))
}

/// A store with one sealed registration of Alice's, and the registration.
async fn with_one() -> (Arc<MemoryStore>, Registration) {
    let inner = Arc::new(MemoryStore::new());
    let have = registration(PUSH, "n", 1);
    let store = sealed(&inner, &[0]);
    store.commit(&[enable(ALICE, &have)]).await.unwrap();
    (inner, have)
}

async fn loaded(store: &dyn RegistrationStore) -> (Vec<Registration>, usize) {
    let Loaded { accounts, corrupt } = store.load(&[jid(ALICE)]).await.unwrap();
    (accounts[0].registrations.clone(), corrupt)
}

#[tokio::test]
async fn nothing_of_a_secret_is_in_the_store_or_shown() {
    let (inner, have) = with_one().await;
    let stored = registrations(&*inner, ALICE).await.remove(0);
    let text = stored.options.as_sealed().unwrap();
    let row = format!("{:?}", push_core::row::Row::from(&stored));
    // As text, and as the base64 of it at every offset.
    for secret in ["secret", "s1", "c2VjcmV0", "NlY3JldA", "zZWNyZX"] {
        assert!(!text.contains(secret) && !row.contains(secret), "{secret}");
    }
    let store = sealed(&inner, &[0, 1]);
    let shown = format!("{store:?} {stored:?} {have:?}");
    assert!(!shown.contains("s1") && !shown.contains(text), "{shown}");
    for key in KEYS {
        assert!(!shown.contains(key), "{shown}");
    }
}

#[tokio::test]
async fn no_options_stay_no_options() {
    let inner = Arc::new(MemoryStore::new());
    let have = Registration {
        options: PublishOptions::default(),
        ..registration(PUSH, "n", 1)
    };
    let store = sealed(&inner, &[0]);
    store.commit(&[enable(ALICE, &have)]).await.unwrap();
    assert_eq!(registrations(&*inner, ALICE).await, [have]);
}

#[tokio::test]
async fn what_was_stored_before_there_was_a_key_is_read() {
    let inner = Arc::new(MemoryStore::new());
    let have = registration(PUSH, "n", 1);
    inner.commit(&[enable(ALICE, &have)]).await.unwrap();
    assert_eq!(registrations(&sealed(&inner, &[0]), ALICE).await, [have]);
}

#[tokio::test]
async fn keys_are_changed_by_putting_a_new_one_first() {
    let (inner, have) = with_one().await;
    let rotated = sealed(&inner, &[1, 0]);
    assert_eq!(
        registrations(&rotated, ALICE).await,
        std::slice::from_ref(&have)
    );
    rotated.commit(&[enable(ALICE, &have)]).await.unwrap();
    // The old one is not needed any more.
    assert_eq!(registrations(&sealed(&inner, &[1]), ALICE).await, [have]);
}

#[tokio::test]
async fn what_does_not_open_is_left_out_and_counted_and_hurts_nobody_else() {
    let (inner, _) = with_one().await;
    let other = registration(PUSH, "o", 2);
    sealed(&inner, &[1])
        .commit(&[enable(ALICE, &other)])
        .await
        .unwrap();
    for keys in [&[1][..], &[2, 1]] {
        let store = sealed(&inner, keys);
        assert_eq!(loaded(&store).await, (vec![other.clone()], 1), "{keys:?}");
        let page = store.page(Kind::Registrations, None, 10).await.unwrap();
        assert_eq!(
            (page.entries, page.corrupt),
            (vec![(jid(ALICE), other.clone())], 1)
        );
        assert_eq!(store.counts().await.unwrap().total(), 2);
    }
}

#[tokio::test]
async fn without_any_key_a_sealed_row_is_noticed() {
    let (inner, _) = with_one().await;
    assert_eq!(loaded(&sealed(&inner, &[])).await, (vec![], 1));
}

#[tokio::test]
async fn a_row_moved_to_another_owner_does_not_open() {
    let (inner, have) = with_one().await;
    let stored = registrations(&*inner, ALICE).await.remove(0);
    let mallory = "mallory@example.org";
    inner.commit(&[enable(mallory, &stored)]).await.unwrap();
    let store = sealed(&inner, &[0]);
    let found = store.load(&[jid(mallory), jid(ALICE)]).await.unwrap();
    assert_eq!(
        (found.corrupt, found.accounts[0].registrations.len()),
        (1, 0)
    );
    assert_eq!(found.accounts[1].registrations, [have]);
}

#[tokio::test]
async fn a_damaged_row_does_not_open_and_can_be_replaced_and_removed() {
    let (inner, have) = with_one().await;
    let stored = registrations(&*inner, ALICE).await.remove(0);
    let text = stored.options.as_sealed().unwrap();
    let damaged = Registration {
        options: PublishOptions::sealed(text.replace("XC20P.", "XC20P.0")),
        ..stored.clone()
    };
    inner.commit(&[enable(ALICE, &damaged)]).await.unwrap();
    let store = sealed(&inner, &[0]);
    assert_eq!(loaded(&store).await, (vec![], 1));
    store.commit(&[enable(ALICE, &have)]).await.unwrap();
    assert_eq!(loaded(&store).await, (vec![have.clone()], 0));
    inner.commit(&[enable(ALICE, &damaged)]).await.unwrap();
    store.commit(&[remove(ALICE, &have.target)]).await.unwrap();
    assert_eq!(loaded(&store).await, (vec![], 0));
}

#[tokio::test]
async fn pages_go_on_behind_rows_that_do_not_open() {
    let inner = Arc::new(MemoryStore::new());
    let (store, other) = (sealed(&inner, &[0]), sealed(&inner, &[1]));
    for n in 0..12 {
        let owner = format!("u{n:02}@example.org");
        // More of them in a row than a page holds.
        let by = if (2..9).contains(&n) { &other } else { &store };
        by.commit(&[enable(&owner, &registration(PUSH, "n", n))])
            .await
            .unwrap();
    }
    let (mut entries, mut corrupt, mut after) = (0, 0, None);
    loop {
        let page = store
            .page(Kind::Registrations, after.as_ref(), 2)
            .await
            .unwrap();
        entries += page.entries.len();
        corrupt += page.corrupt;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((entries, corrupt), (5, 7));
}
