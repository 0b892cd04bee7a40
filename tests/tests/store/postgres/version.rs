//! Tables of other versions, and of other programs.

use super::{config, store};
use push_core::registration::Status;
use push_core::store::{Migrated, RegistrationStore, StoreError};
use push_store_postgres::{PostgresConfig, PostgresStore, migrate, open};
use push_tests::database::postgres::fresh_database;
use push_tests::store::{enable, registration, registrations, settle, status};

const ALICE: &str = "alice@example.org";

#[tokio::test(flavor = "multi_thread")]
async fn ten_instances_start_at_once() {
    let database = fresh_database().await.unwrap();
    let starting: Vec<_> = (0..10)
        .map(|_| {
            let config = config(&database);
            tokio::spawn(async move { open(&config).await })
        })
        .collect();
    for (revision, started) in (0..).zip(starting) {
        let store = started.await.unwrap().unwrap();
        let have = registration("push.example.net", "n", revision);
        store.commit(&[enable(ALICE, &have)]).await.unwrap();
        assert_eq!(registrations(&store, ALICE).await, [have]);
    }
    let versions = database.execute("SELECT version FROM xmpp_push_schema");
    assert_eq!(versions.await.unwrap(), "1\n2");
}

#[tokio::test]
async fn an_instance_waits_for_the_one_that_migrates() {
    let database = fresh_database().await.unwrap();
    let lock = "SELECT pg_advisory_lock(x'58507368'::bigint), pg_sleep(1)";
    let config = config(&database);
    let (locked, opened) = tokio::join!(database.execute(lock), open(&config));
    locked.unwrap();
    assert_eq!(registrations(&opened.unwrap(), ALICE).await, []);
}

#[tokio::test]
async fn migrating_says_from_where_to_where() {
    let database = fresh_database().await.unwrap();
    let config = PostgresConfig {
        auto_migrate: false,
        ..config(&database)
    };
    let error = open(&config).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::WrongVersion { reason } if reason.contains("xmpp-push migrate")),
        "{error}"
    );
    let first = migrate(&config).await.unwrap();
    assert_eq!(first, Migrated { from: 0, to: 2 });
    let again = migrate(&config).await.unwrap();
    assert_eq!(again, Migrated { from: 2, to: 2 });
    open(&config).await.unwrap();
}

/// The tables of version 1, with a registration that somebody has imported as failing.
const FIRST: &str = r#"
    ALTER TABLE registration DROP COLUMN days, DROP COLUMN last;
    ALTER TABLE registration RENAME COLUMN refusals TO failures;
    ALTER TABLE registration RENAME COLUMN since TO status_at;
    DELETE FROM xmpp_push_schema WHERE version > 1;
    INSERT INTO registration VALUES
        ('alice@example.org', 'push.example.net', 'a', 31332, 5, 'failing', 3, 7, 1790000000000, 0,
         '{"v":1,"identity":"user"}')"#;

#[tokio::test]
async fn tables_of_the_first_version_are_brought_up_to_date() {
    let (database, before) = store().await;
    drop(before);
    database.execute(FIRST).await.unwrap();
    let config = config(&database);
    let store = open(&config).await.unwrap();
    let have = registrations(&store, ALICE).await;
    let found: Vec<_> = have.iter().map(|have| have.status).collect();
    assert_eq!(found, [Status::Active]);
    let failing = settle(ALICE, &have[0].target, 5, status(1));
    store.commit(&[failing]).await.unwrap();
    assert_eq!(registrations(&store, ALICE).await[0].status, status(1));
    let again = migrate(&config).await.unwrap();
    assert_eq!(again, Migrated { from: 2, to: 2 });
}

#[tokio::test]
async fn a_store_that_may_not_migrate_goes_on_when_somebody_has() {
    let database = fresh_database().await.unwrap();
    let config = PostgresConfig {
        auto_migrate: false,
        ..config(&database)
    };
    let store = PostgresStore::new(&config).unwrap();
    let change = [enable(ALICE, &registration("push.example.net", "n", 1))];
    let error = store.commit(&change).await.unwrap_err();
    assert!(matches!(error, StoreError::WrongVersion { .. }), "{error}");
    migrate(&config).await.unwrap();
    store.commit(&change).await.unwrap();
}

#[tokio::test]
async fn a_later_version_is_refused_and_left_alone() {
    let (database, _) = store().await;
    let later = "INSERT INTO xmpp_push_schema (version) VALUES (99)";
    database.execute(later).await.unwrap();
    let config = config(&database);
    for error in [
        open(&config).await.unwrap_err(),
        migrate(&config).await.unwrap_err(),
    ] {
        assert!(
            matches!(&error, StoreError::WrongVersion { reason } if reason.contains("99")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn another_programs_table_is_refused_and_left_alone() {
    let database = fresh_database().await.unwrap();
    database
        .execute("CREATE TABLE registration (owner int)")
        .await
        .unwrap();
    let error = open(&config(&database)).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Refused { reason } if reason.contains("another program")),
        "{error}"
    );
    let tables = "SELECT string_agg(tablename, ' ') FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(database.execute(tables).await.unwrap(), "registration");
}

#[tokio::test]
async fn tables_that_are_gone_are_told_as_such() {
    let (database, store) = store().await;
    database
        .execute("DROP TABLE registration, lease, xmpp_push_schema")
        .await
        .unwrap();
    let change = enable(ALICE, &registration("push.example.net", "n", 1));
    let error = store.commit(&[change]).await.unwrap_err();
    assert!(matches!(error, StoreError::WrongVersion { .. }), "{error}");
}

#[tokio::test]
async fn the_search_path_tells_the_schema() {
    let database = fresh_database().await.unwrap();
    database.execute("CREATE SCHEMA push").await.unwrap();
    let mut config = config(&database);
    config.url += "?options=-c%20search_path%3Dpush";
    let store = open(&config).await.unwrap();
    let change = enable(ALICE, &registration("push.example.net", "n", 1));
    store.commit(&[change]).await.unwrap();
    let count = database.execute("SELECT count(*) FROM push.registration");
    assert_eq!(count.await.unwrap(), "1");
}
