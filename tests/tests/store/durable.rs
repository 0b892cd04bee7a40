//! What every store does that outlives its process. The parent module gives `reopen()` besides.

use super::{fresh, reopen};
use push_core::store::Kind;
use push_tests::store::{enable, registration, registrations, remove};

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let mut store = fresh().await;
    let have: Vec<_> = (0..5)
        .map(|n| registration("push.example.net", &format!("n{n}"), n))
        .collect();
    for have in &have {
        let change = enable("alice@example.org", have);
        store.commit(&[change]).await.unwrap();
        store = reopen(store).await;
    }
    assert_eq!(registrations(&*store, "alice@example.org").await, have);
    let gone = remove("alice@example.org", &have[2].target);
    store.commit(&[gone]).await.unwrap();
    let store = reopen(store).await;
    assert_eq!(registrations(&*store, "alice@example.org").await.len(), 4);
    let page = store.page(Kind::Registrations, None, 10).await.unwrap();
    assert_eq!(page.entries.len(), 4);
}
