//! Servers that are away, hang or lose connections: answers in time, and recovery without help.

use super::{impatient, is_unavailable};
use push_core::lease::{Claim, LeaseStore};
use push_core::memory::MemoryStore;
use push_core::store::{Committed, Kind, RegistrationStore};
use push_store_mongo::{MongoConfig, MongoStore, open};
use push_tests::database::mongo::Server;
use push_tests::server::proxy::Proxy;
use push_tests::store::{
    churn, enable, jid, registration, registrations, remove, remove_owner, settle, status,
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const ALICE: &str = "alice@example.org";
const PUSH: &str = "push.example.net";

/// How long a server is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// More than the limit of [`impatient`], for the machine may be busy.
const IN_TIME: Duration = Duration::from_secs(5);

/// Asks until the server answers.
async fn recovers(store: &MongoStore) {
    let deadline = Instant::now() + PATIENCE;
    while is_unavailable(&store.load(&[jid(ALICE)]).await) {
        assert!(Instant::now() < deadline, "never recovers");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Every kind of call; none of them may take longer than it says.
async fn every_call_is_unavailable_in_time(store: &MongoStore) {
    let have = registration(PUSH, "n", 1);
    let changes = [
        enable(ALICE, &have),
        settle(ALICE, &have.target, 1, status(1)),
        remove(ALICE, &have.target),
        remove_owner(ALICE),
    ];
    let started = Instant::now();
    let commits = changes.map(|change| {
        let store = store.clone();
        tokio::spawn(async move { is_unavailable(&store.commit(&[change]).await) })
    });
    let owner = [jid(ALICE)];
    let lease = Duration::from_secs(60);
    let (load, page, counts, gone, taken, released) = tokio::join!(
        store.load(&owner),
        store.page(Kind::Registrations, None, 10),
        store.counts(),
        store.remove_domain(owner[0].domain()),
        store.take("stream", "one", lease),
        store.release("stream", "one"),
    );
    let reads = is_unavailable(&load) && is_unavailable(&page) && is_unavailable(&counts);
    assert!(
        reads && is_unavailable(&gone),
        "{load:?} {page:?} {counts:?} {gone:?}"
    );
    assert!(
        is_unavailable(&taken) && is_unavailable(&released),
        "{taken:?} {released:?}"
    );
    for commit in commits {
        assert!(commit.await.unwrap());
    }
    assert!(started.elapsed() < IN_TIME, "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_store_that_started_while_its_server_was_away_works_once_it_is_there() {
    let mut server = Server::own().await.unwrap();
    let database = server.fresh_database();
    server.stop().await.unwrap();
    let store = MongoStore::new(impatient(&database)).await.unwrap();
    every_call_is_unavailable_in_time(&store).await;
    server.start_again().await.unwrap();
    recovers(&store).await;
    let have = registration(PUSH, "n", 1);
    store.commit(&[enable(ALICE, &have)]).await.unwrap();
    assert_eq!(registrations(&store, ALICE).await, [have]);
}

#[tokio::test]
async fn many_calls_to_a_server_that_is_away_wait_no_longer_than_one() {
    let mut server = Server::own().await.unwrap();
    let database = server.fresh_database();
    server.stop().await.unwrap();
    let store = MongoStore::new(impatient(&database)).await.unwrap();
    let started = Instant::now();
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.load(&[jid(ALICE)]).await })
        })
        .collect();
    for call in calls {
        assert!(is_unavailable(&call.await.unwrap()));
    }
    // A selection takes half a second, a call no more than two.
    assert!(
        started.elapsed() < Duration::from_millis(1500),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_server_that_hangs_is_waited_for_no_longer_than_said() {
    let mut server = Server::own().await.unwrap();
    let store = open(impatient(&server.fresh_database())).await.unwrap();
    let have = registration(PUSH, "n", 1);
    store.commit(&[enable(ALICE, &have)]).await.unwrap();
    server.pause().unwrap();
    every_call_is_unavailable_in_time(&store).await;
    server.resume().unwrap();
    recovers(&store).await;
    // Of what was given up, all may have been done by now, or will be.
    let later = registration(PUSH, "o", 2);
    let done = store
        .commit(&[enable("bob@example.org", &later)])
        .await
        .unwrap();
    assert_eq!(done, [Committed::Enabled]);
}

#[tokio::test]
async fn a_store_with_no_connection_left_answers_in_time_and_loses_nothing() {
    let server = Server::own().await.unwrap();
    let proxy = Proxy::start(server.port()).await.unwrap();
    let database = server.fresh_database();
    let store = open(MongoConfig {
        pool_size: 1,
        ..impatient(&database.at(proxy.port()))
    });
    let store = store.await.unwrap();
    proxy.freeze(true);
    let started = Instant::now();
    let calls: Vec<_> = (0..30).map(|n| enabled(&store, n)).collect();
    for call in calls {
        assert!(is_unavailable(&call.await.unwrap()));
    }
    assert!(started.elapsed() < IN_TIME, "{:?}", started.elapsed());

    proxy.freeze(false);
    recovers(&store).await;
    let calls: Vec<_> = (30..60).map(|n| enabled(&store, n)).collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok(vec![Committed::Enabled]));
    }
    let left = registrations(&store, ALICE).await;
    for n in 30..60 {
        assert!(
            left.contains(&registration(PUSH, &format!("n{n}"), n)),
            "{n}"
        );
    }
}

type Enabling = tokio::task::JoinHandle<Result<Vec<Committed>, push_core::store::StoreError>>;

/// Alice enables another node.
fn enabled(store: &MongoStore, number: u64) -> Enabling {
    let store = store.clone();
    let have = registration(PUSH, &format!("n{number}"), number);
    tokio::spawn(async move { store.commit(&[enable(ALICE, &have)]).await })
}

#[tokio::test]
async fn connections_that_were_cut_are_not_noticed() {
    let server = Server::own().await.unwrap();
    let proxy = Proxy::start(server.port()).await.unwrap();
    let database = server.fresh_database().at(proxy.port());
    let store = open(MongoConfig {
        call_timeout: Duration::from_secs(20),
        ..MongoConfig::new(database.url())
    });
    let store = store.await.unwrap();
    let have = registration(PUSH, "n", 1);
    let settled = || settle(ALICE, &have.target, 1, status(1));
    store.commit(&[enable(ALICE, &have)]).await.unwrap();
    for round in 0..3 {
        proxy.cut();
        assert_eq!(registrations(&store, ALICE).await.len(), 1, "{round}");
        proxy.cut();
        let done = store.commit(&[enable(ALICE, &have)]).await;
        assert_eq!(done, Ok(vec![Committed::Enabled]), "{round}");
        proxy.cut();
        let done = store.commit(&[settled()]).await;
        assert_eq!(done, Ok(vec![Committed::Settled]), "{round}");
        proxy.cut();
        let done = store
            .commit(&[remove(ALICE, &registration(PUSH, "x", 1).target)])
            .await;
        assert_eq!(done, Ok(vec![Committed::Removed(0)]), "{round}");
        proxy.cut();
        let done = store.commit(&[remove_owner("bob@example.org")]).await;
        assert_eq!(done, Ok(vec![Committed::Removed(0)]), "{round}");
        proxy.cut();
        assert_eq!(store.counts().await.unwrap().total(), 1, "{round}");
        proxy.cut();
        let claim = store.take("stream", "one", PATIENCE).await.unwrap();
        assert!(matches!(claim, Claim::Held(_)), "{round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_mid_run_is_survived_by_all_that_ask_again() {
    const STEPS: u64 = 60;
    let mut server = Server::own().await.unwrap();
    let database = server.fresh_database();
    let store = open(impatient(&database)).await.unwrap();
    let running: Vec<_> = (0..churn::TASKS)
        .map(|task| tokio::spawn(churn_on(store.clone(), task, STEPS)))
        .collect();
    for _ in 0..2 {
        sleep(Duration::from_millis(300)).await;
        server.restart().await.unwrap();
    }
    for task in running {
        task.await.unwrap();
    }
    for task in 0..churn::TASKS {
        assert_eq!(left(&store, task).await, model(task, STEPS).await);
    }
}

/// Does each change until it is acknowledged.
async fn churn_on(store: MongoStore, task: u64, steps: u64) {
    let deadline = Instant::now() + PATIENCE;
    for step in 0..steps {
        while let Err(error) = store.commit(&[churn::change(0, task, step)]).await {
            assert!(is_unavailable::<()>(&Err(error)));
            assert!(Instant::now() < deadline, "never recovers");
        }
    }
}

async fn left(store: &dyn RegistrationStore, task: u64) -> Vec<push_core::Account> {
    store.load(&churn::owners(0, task)).await.unwrap().accounts
}

async fn model(task: u64, steps: u64) -> Vec<push_core::Account> {
    let model = MemoryStore::new();
    for step in 0..steps {
        model.commit(&[churn::change(0, task, step)]).await.unwrap();
    }
    left(&model, task).await
}
