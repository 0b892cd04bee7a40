//! The same on a table that an operator has partitioned by bucket.

#[path = "../suite.rs"]
mod suite;

use super::{connect, store};
use push_core::store::RegistrationStore;
use push_tests::database::postgres::{Database, fresh_database};
use push_tests::store::{Fresh, enable, registration, registrations};

async fn fresh() -> Fresh {
    let database = fresh_database().await.unwrap();
    drop(connect(&database).await);
    partition(&database).await;
    Fresh::new(connect(&database).await, database)
}

/// How many parts [`partition`] makes.
pub(super) const PARTS: usize = 4;

/// As an operator does it.
pub(super) async fn partition(database: &Database) {
    let part = |part| {
        format!(
            "CREATE TABLE registration_{part} PARTITION OF registration
             FOR VALUES WITH (MODULUS {PARTS}, REMAINDER {part}) WITH (fillfactor = 85);"
        )
    };
    let parts: String = (0..PARTS).map(part).collect();
    let sql = format!(
        "ALTER TABLE registration RENAME TO registration_whole;
         CREATE TABLE registration (LIKE registration_whole, PRIMARY KEY (owner, service, node, bucket))
             PARTITION BY HASH (bucket);
         {parts}
         INSERT INTO registration SELECT * FROM registration_whole;
         DROP TABLE registration_whole"
    );
    database.execute(&sql).await.unwrap();
}

#[tokio::test]
async fn a_store_that_is_in_use_goes_on_when_its_table_is_partitioned() {
    let (database, store) = store().await;
    let owners: Vec<_> = (0..50).map(|n| format!("u{n}@example.org")).collect();
    let have = [registration("push.example.net", "n", 1)];
    let changes: Vec<_> = owners.iter().map(|owner| enable(owner, &have[0])).collect();
    store.commit(&changes).await.unwrap();
    partition(&database).await;
    for owner in &owners {
        assert_eq!(registrations(&store, owner).await, have);
    }
    store.commit(&changes).await.unwrap();
    let used = "SELECT count(DISTINCT tableoid) FROM registration";
    assert_eq!(database.execute(used).await.unwrap(), PARTS.to_string());
}
