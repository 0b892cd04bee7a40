//! Listing page by page.

use super::fresh;
use push_core::store::{Cursor, Kind, Page, RegistrationStore};
use push_tests::store::{enable, jid, registration, remove, target};

/// (owner, service, node) in the order of a listing.
const KEYS: [(&str, &str, &str); 7] = [
    ("a@example.org", "b.example.net", "2"),
    ("b@example.org", "a.example.net", "1"),
    ("b@example.org", "a.example.net", "3"),
    ("b@example.org", "c.example.net", "1"),
    ("b@example.org", "c.example.net", "2"),
    ("c@example.org", "a.example.net", ""),
    ("é@example.org", "a.example.net", "1"),
];

async fn populate(store: &dyn RegistrationStore) {
    for (owner, service, node) in [4, 1, 6, 0, 3, 5, 2].map(|at: usize| KEYS[at]) {
        let change = enable(owner, &registration(service, node, 1));
        store.commit(&[change]).await.unwrap();
    }
}

async fn page(store: &dyn RegistrationStore, after: Option<&Cursor>, limit: usize) -> Page {
    store.page(Kind::Registrations, after, limit).await.unwrap()
}

fn keys(page: &Page) -> Vec<(&str, &str, &str)> {
    let entries = page.entries.iter();
    entries
        .map(|(owner, have)| {
            let target = &have.target;
            (
                owner.as_str(),
                target.service.as_str(),
                target.node.as_str(),
            )
        })
        .collect()
}

#[tokio::test]
async fn nothing_is_one_empty_page() {
    assert_eq!(page(&*fresh().await, None, 10).await, Page::default());
}

#[tokio::test]
async fn a_large_page_has_everything_in_key_order() {
    let store = fresh().await;
    populate(&*store).await;
    let all = page(&*store, None, 100).await;
    assert_eq!(keys(&all), KEYS);
    assert_eq!((all.next, all.corrupt), (None, 0));
}

#[tokio::test]
async fn pages_follow_each_other_whatever_their_size() {
    let store = fresh().await;
    populate(&*store).await;
    for limit in 1..=8 {
        let mut seen = 0;
        let mut after = None;
        loop {
            let part = page(&*store, after.as_ref(), limit).await;
            let expected = &KEYS[seen..KEYS.len().min(seen + limit)];
            assert_eq!(keys(&part), expected);
            seen += expected.len();
            after = part.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, KEYS.len());
    }
}

#[tokio::test]
async fn a_page_that_ends_with_the_last_entry_is_the_last() {
    let store = fresh().await;
    populate(&*store).await;
    assert_eq!(page(&*store, None, KEYS.len()).await.next, None);
    assert!(page(&*store, None, KEYS.len() - 1).await.next.is_some());
}

#[tokio::test]
async fn a_cursor_outlives_its_entry() {
    let store = fresh().await;
    populate(&*store).await;
    let cursor = page(&*store, None, 3).await.next.unwrap();
    let (owner, service, node) = KEYS[2];
    assert_eq!(cursor.owner, jid(owner));
    assert_eq!(cursor.target, target(service, node));
    let gone = remove(owner, &cursor.target);
    store.commit(&[gone]).await.unwrap();
    assert_eq!(keys(&page(&*store, Some(&cursor), 2).await), KEYS[3..5]);
}

#[tokio::test]
async fn a_cursor_behind_everything_finds_nothing() {
    let store = fresh().await;
    populate(&*store).await;
    let (owner, service, _) = KEYS[6];
    let cursor = Cursor {
        owner: jid(owner),
        target: target(service, "2"),
    };
    assert_eq!(page(&*store, Some(&cursor), 2).await, Page::default());
}
