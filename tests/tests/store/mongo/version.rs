//! Whose database it is, and of which version.

use super::config;
use mongodb::bson::{Document, doc};
use push_core::registration::Status;
use push_core::store::{Migrated, RegistrationStore, StoreError};
use push_store_mongo::{MongoConfig, migrate, open};
use push_tests::database::mongo::{Database, fresh_database};
use push_tests::store::{enable, registration, registrations, settle, status};

const ALICE: &str = "alice@example.org";

fn cautious(database: &Database) -> MongoConfig {
    MongoConfig {
        auto_migrate: false,
        ..config(database)
    }
}

async fn set_version(database: &Database, version: i32) {
    let connected = database.connect().await.unwrap();
    let schema = connected.collection::<Document>("schema");
    let change = doc! { "$set": { "version": version } };
    let changed = schema.update_one(doc! { "_id": "xmpp-push" }, change).await;
    assert_eq!(changed.unwrap().matched_count, 1);
}

#[tokio::test]
async fn a_later_version_is_refused() {
    let database = fresh_database().await.unwrap();
    open(config(&database)).await.unwrap();
    set_version(&database, 99).await;
    let error = open(config(&database)).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::WrongVersion { reason } if reason.contains("99")),
        "{error}"
    );
    let error = migrate(config(&database)).await.unwrap_err();
    assert!(matches!(error, StoreError::WrongVersion { .. }), "{error}");
}

#[tokio::test]
async fn an_earlier_version_waits_for_a_migration_where_it_must() {
    let database = fresh_database().await.unwrap();
    for _ in 0..2 {
        let error = open(cautious(&database)).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::WrongVersion { reason } if reason.contains("xmpp-push migrate")),
            "{error}"
        );
        let done = migrate(cautious(&database)).await.unwrap();
        assert_eq!(done, Migrated { from: 0, to: 2 });
        open(cautious(&database)).await.unwrap();
        let done = migrate(cautious(&database)).await.unwrap();
        assert_eq!(done, Migrated { from: 2, to: 2 });
        set_version(&database, 0).await;
    }
}

#[tokio::test]
async fn documents_of_the_first_version_are_brought_up_to_date() {
    let database = fresh_database().await.unwrap();
    open(config(&database)).await.unwrap();
    let connected = database.connect().await.unwrap();
    let without = doc! { "collMod": "registration", "validator": {} };
    connected.run_command(without).await.unwrap();
    let first = doc! {
        "bucket": 0x7a64, "owner": ALICE, "service": "push.example.net", "node": "n", "revision": 5_i64,
        "status": "failing", "failures": 3, "status_at": 7_i64, "enabled_at": 7_i64,
        "updated_at": mongodb::bson::DateTime::now(), "document": r#"{"v":1,"identity":"user"}"#,
    };
    let documents = connected.collection::<Document>("registration");
    documents.insert_one(first).await.unwrap();
    set_version(&database, 1).await;
    let store = open(config(&database)).await.unwrap();
    let have = registrations(&store, ALICE).await;
    let found: Vec<_> = have.iter().map(|have| have.status).collect();
    assert_eq!(found, [Status::Active]);
    let failing = settle(ALICE, &have[0].target, 5, status(1));
    store.commit(&[failing]).await.unwrap();
    assert_eq!(registrations(&store, ALICE).await[0].status, status(1));
    let stored = documents.find_one(doc! {}).await.unwrap().unwrap();
    assert!(!stored.contains_key("failures") && !stored.contains_key("status_at"));
}

#[tokio::test]
async fn what_the_program_was_refused_for_can_be_mended_while_it_runs() {
    let database = fresh_database().await.unwrap();
    let store = push_store_mongo::MongoStore::new(cautious(&database));
    let store = store.await.unwrap();
    let change = enable(ALICE, &registration("push.example.net", "n", 1));
    let error = store
        .commit(std::slice::from_ref(&change))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::WrongVersion { .. }), "{error}");
    migrate(cautious(&database)).await.unwrap();
    store.commit(&[change]).await.unwrap();
}

#[tokio::test]
async fn another_programs_database_is_refused_and_left_as_it_is() {
    let database = fresh_database().await.unwrap();
    let connected = database.connect().await.unwrap();
    let theirs = connected.collection::<Document>("registration");
    theirs.insert_one(doc! { "course": 7 }).await.unwrap();
    let error = open(config(&database)).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Refused { reason } if reason.contains("another program")),
        "{error}"
    );
    let names = connected.list_collection_names().await.unwrap();
    assert_eq!(names, ["registration"]);
}

#[tokio::test]
async fn a_collection_made_beforehand_gets_its_validator() {
    let database = fresh_database().await.unwrap();
    let connected = database.connect().await.unwrap();
    connected.create_collection("registration").await.unwrap();
    open(config(&database)).await.unwrap();
    let registrations = connected.collection("registration");
    let malformed = registrations.insert_one(doc! { "course": 7 }).await;
    assert!(malformed.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_instances_may_start_at_once() {
    for _ in 0..3 {
        let database = fresh_database().await.unwrap();
        let starting: Vec<_> = (0..10)
            .map(|n| {
                let config = config(&database);
                tokio::spawn(async move {
                    let store = open(config).await?;
                    let have = registration("push.example.net", &format!("n{n}"), 1);
                    store.commit(&[enable(ALICE, &have)]).await?;
                    Ok::<_, StoreError>(store)
                })
            })
            .collect();
        let mut stores = Vec::new();
        for started in starting {
            stores.push(started.await.unwrap().unwrap());
        }
        assert_eq!(registrations(&stores[0], ALICE).await.len(), 10);
    }
}
