//! A server that does not answer: every call ends in its time.

use super::hasty;
use push_core::store::{Kind, RegistrationStore, StoreError};
use push_store_postgres::PostgresStore;
use push_tests::database::postgres::{Cluster, Database, fresh_database};
use push_tests::server::proxy::Proxy;
use push_tests::store::{enable, jid, registration, registrations};
use std::time::Duration;
use tokio::time::Instant;

const ALICE: &str = "alice@example.org";

/// What a call may take beyond its own time, on a busy machine.
const SLACK: Duration = Duration::from_secs(2);

/// Every kind of call fails as unavailable, in time.
async fn all_calls_end(store: &PostgresStore, limit: Duration) {
    let change = [enable(ALICE, &registration("push.example.net", "n", 2))];
    let owners = [jid(ALICE)];
    let began = Instant::now();
    let errors = tokio::join!(
        async { store.load(&owners).await.map(|_| ()) },
        async { store.commit(&change).await.map(|_| ()) },
        async { store.page(Kind::Registrations, None, 10).await.map(|_| ()) },
        async { store.counts().await.map(|_| ()) },
        async { store.remove_domain(owners[0].domain()).await.map(|_| ()) },
    );
    for result in [errors.0, errors.1, errors.2, errors.3, errors.4] {
        let error = result.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    }
    let took = began.elapsed();
    assert!(took < limit + SLACK, "{took:?}");
}

async fn warm(database: &Database) -> PostgresStore {
    let store = PostgresStore::new(&hasty(database)).unwrap();
    let have = registration("push.example.net", "n", 1);
    store.commit(&[enable(ALICE, &have)]).await.unwrap();
    store
}

#[tokio::test]
async fn a_halted_server() {
    let mut cluster = Cluster::own().await.unwrap();
    let database = cluster.fresh_database().await.unwrap();
    let limit = hasty(&database).call_timeout;
    let (warm, cold) = (
        warm(&database).await,
        PostgresStore::new(&hasty(&database)).unwrap(),
    );
    cluster.pause().unwrap();
    all_calls_end(&warm, limit).await;
    all_calls_end(&cold, limit).await;
    cluster.resume().unwrap();
    for store in [warm, cold] {
        store.commit(&[]).await.unwrap();
        let have = registration("push.example.net", "n", 3);
        store.commit(&[enable(ALICE, &have)]).await.unwrap();
        assert_eq!(registrations(&store, ALICE).await, [have]);
    }
}

#[tokio::test]
async fn a_network_that_swallows_everything() {
    let database = fresh_database().await.unwrap();
    let cluster = Cluster::shared().await.unwrap();
    let proxy = Proxy::start(cluster.port()).await.unwrap();
    let database = database.at(proxy.port());
    let limit = hasty(&database).call_timeout;
    let store = warm(&database).await;
    proxy.freeze(true);
    all_calls_end(&store, limit).await;
    proxy.freeze(false);
    let have = registration("push.example.net", "n", 3);
    store.commit(&[enable(ALICE, &have)]).await.unwrap();
    assert_eq!(registrations(&store, ALICE).await, [have]);
}

/// What the server got of a call that was given up must not wait for its moment.
#[tokio::test]
async fn what_was_given_up_does_not_happen_late() {
    let database = fresh_database().await.unwrap();
    let store = PostgresStore::new(&push_store_postgres::PostgresConfig {
        lock_timeout: Duration::from_millis(1500),
        call_timeout: Duration::from_secs(1),
        ..hasty(&database)
    })
    .unwrap();
    // The statement is prepared, so that it is the change that waits.
    let have = registration("push.example.net", "n", 1);
    let change = [enable("bob@example.org", &have)];
    store.commit(&change).await.unwrap();
    let lock = tokio::spawn({
        let database = database.clone();
        async move {
            database
                .execute("LOCK TABLE registration; SELECT pg_sleep(4)")
                .await
        }
    });
    let locked =
        "SELECT count(*) FROM pg_locks WHERE relation = 'registration'::regclass AND granted";
    while database.execute(locked).await.unwrap() == "0" {}
    let error = store.commit(&[enable(ALICE, &have)]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    lock.await.unwrap().unwrap();
    let busy = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()";
    while database.execute(busy).await.unwrap() != "0" {}
    assert_eq!(registrations(&store, ALICE).await, []);
}
