//! What goes over the wire: few statements, prepared once.

use super::config;
use push_core::store::RegistrationStore;
use push_store_postgres::{PostgresConfig, PostgresStore};
use push_tests::database::postgres::Cluster;
use push_tests::store::{enable, registration, registrations, remove_owner};

const ALICE: &str = "alice@example.org";

/// The lines of the server's log about statements, without time and process.
fn log(cluster: &Cluster, from: u64) -> Vec<String> {
    let process = cluster.process().unwrap();
    let log = process.log_since(from).unwrap();
    let lines = log.lines().filter_map(|line| line.split_once("duration: "));
    lines.map(|(_, said)| said.to_owned()).collect()
}

fn count(lines: &[String], step: &str) -> usize {
    let steps = lines.iter().filter_map(|line| line.split_once(" ms  "));
    steps.filter(|(_, said)| said.starts_with(step)).count()
}

#[tokio::test]
async fn an_enable_is_one_statement_and_no_statement_is_prepared_twice() {
    let cluster = Cluster::own().await.unwrap();
    let database = cluster.fresh_database().await.unwrap();
    let logged = format!(
        "ALTER DATABASE {} SET log_min_duration_statement = 0",
        database.name()
    );
    database.execute(&logged).await.unwrap();
    let store = PostgresStore::new(&PostgresConfig {
        pool_size: 1,
        ..config(&database)
    });
    let store = store.unwrap();
    store.ready().await.unwrap();
    let size = || cluster.process().unwrap().log_size().unwrap();
    for time in 0..3 {
        let from = size();
        let have = registration("push.example.net", "n", time);
        store.commit(&[enable(ALICE, &have)]).await.unwrap();
        let lines = log(&cluster, from);
        assert_eq!(count(&lines, "execute"), 1, "{lines:?}");
        assert_eq!(count(&lines, "statement"), 0, "{lines:?}");
        assert_eq!(count(&lines, "parse"), usize::from(time == 0), "{lines:?}");

        let from = size();
        assert_eq!(registrations(&store, ALICE).await, [have]);
        let lines = log(&cluster, from);
        assert_eq!(count(&lines, "execute"), 1, "{lines:?}");
        assert_eq!(count(&lines, "parse"), usize::from(time == 0), "{lines:?}");
    }
    // Many owners, each with two changes: a lock, two statements, and what makes them one transaction.
    let from = size();
    let have = registration("push.example.net", "n", 9);
    let owners: Vec<_> = (0..100).map(|n| format!("u{n}@example.org")).collect();
    let changes: Vec<_> = owners
        .iter()
        .flat_map(|owner| [remove_owner(owner), enable(owner, &have)])
        .collect();
    store.commit(&changes).await.unwrap();
    let lines = log(&cluster, from);
    assert_eq!(count(&lines, "execute"), 3, "{lines:?}");
    assert_eq!(count(&lines, "statement: BEGIN"), 1, "{lines:?}");
    assert_eq!(count(&lines, "statement: COMMIT"), 1, "{lines:?}");
}
