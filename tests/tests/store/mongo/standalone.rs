//! A server without a replica set, hence without transactions.

use super::config;
use push_core::lease::{Claim, LeaseStore};
use push_core::store::{Committed, RegistrationStore};
use push_store_mongo::open;
use push_tests::database::mongo::{Server, Settings};
use push_tests::store::{
    enable, registration, registrations, remove, remove_owner, remove_service, settle, status,
};
use std::time::Duration;

const ALICE: &str = "alice@example.org";
const PUSH: &str = "push.example.net";

#[tokio::test]
async fn every_change_does_what_it_does_elsewhere() {
    let server = Server::start(Settings {
        standalone: true,
        ..Settings::default()
    });
    let server = server.await.unwrap();
    let store = open(config(&server.fresh_database())).await.unwrap();
    let have = ["a", "b", "c", "d"].map(|node| registration(PUSH, node, 1));
    let enables: Vec<_> = have.iter().map(|have| enable(ALICE, have)).collect();
    let done = store.commit(&enables).await.unwrap();
    assert_eq!(done, [Committed::Enabled; 4]);
    let changes = [
        settle(ALICE, &have[0].target, 1, status(1)),
        remove(ALICE, &have[0].target),
        remove_service(ALICE, PUSH),
        enable(ALICE, &have[0]),
        remove_owner(ALICE),
    ];
    let expected = [
        Committed::Settled,
        Committed::Removed(1),
        Committed::Removed(3),
        Committed::Enabled,
        Committed::Removed(1),
    ];
    assert_eq!(store.commit(&changes).await.unwrap(), expected);
    assert_eq!(registrations(&store, ALICE).await, []);
    let claim = store.take("stream", "one", Duration::from_secs(60)).await;
    assert!(matches!(claim, Ok(Claim::Held(_))), "{claim:?}");
}
