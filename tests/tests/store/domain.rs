//! Removing a domain.

use super::fresh;
use push_tests::store::{enable, jid, registration, registrations};

#[tokio::test]
async fn only_that_domain_goes() {
    let store = fresh().await;
    let gone = ["alice@example.org", "zoe@example.org", "example.org"];
    let kept = [
        "alice@sub.example.org",
        "sub.example.org",
        "alice@notexample.org",
        "notexample.org",
        "alice@example.org.net",
        "alice@example.or",
        "example.org@example.net",
        "alice@exampleXorg",
    ];
    let have = [
        registration("push.example.net", "a", 1),
        registration("push.example.net", "b", 2),
    ];
    for owner in gone.iter().chain(&kept) {
        let changes = [enable(owner, &have[0]), enable(owner, &have[1])];
        store.commit(&changes).await.unwrap();
    }
    let domain = jid("example.org");
    assert_eq!(store.remove_domain(domain.domain()).await.unwrap(), 6);
    for owner in gone {
        assert_eq!(registrations(&*store, owner).await, [], "{owner}");
    }
    for owner in kept {
        assert_eq!(registrations(&*store, owner).await, have, "{owner}");
    }
    assert_eq!(store.remove_domain(domain.domain()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_domain_of_thousands_goes() {
    let store = fresh().await;
    let have = registration("push.example.net", "n", 1);
    let changes: Vec<_> = (0..3000)
        .map(|n| enable(&format!("u{n}@d{}.example.org", n % 2), &have))
        .collect();
    store.commit(&changes).await.unwrap();
    let removed = store.remove_domain(jid("d1.example.org").domain()).await;
    assert_eq!(removed.unwrap(), 1500);
    assert_eq!(registrations(&*store, "u2999@d1.example.org").await, []);
    assert_eq!(registrations(&*store, "u2998@d0.example.org").await, [have]);
}
