//! What one owner costs does not depend on how many others there are.

use super::partitioned::{PARTS, partition};
use super::{closed, connect, store};
use push_core::store::{Kind, RegistrationStore};
use push_store_postgres::PostgresStore;
use push_tests::database::postgres::Database;
use push_tests::store::{
    enable, jid, registration, registrations, remove, remove_owner, remove_service, settle, status,
};

const ALICE: &str = "alice@example.org";

const OTHERS: usize = 100_000;

/// Each kind of call so often that the server has chosen a plan to keep.
const TIMES: u64 = 12;

/// A table with many rows of others.
async fn crowded() -> Database {
    let (database, _) = store().await;
    fill(&database).await;
    database
}

async fn fill(database: &Database) {
    let others = format!(
        "INSERT INTO registration
         SELECT 'u' || n || '@example.org', 'push.example.net', 'n', n % 65536, 1, 'active', 0, 0, 1, 1,
             '{{\"v\":1,\"identity\":\"server\"}}', 0, 0
         FROM generate_series(1, {OTHERS}) AS n"
    );
    database.execute(&others).await.unwrap();
}

/// Everything that is asked about one owner; how many statements that was.
async fn use_one(store: &PostgresStore) -> u64 {
    for revision in 0..TIMES {
        let have = [registration("push.example.net", "n", revision)];
        let target = &have[0].target;
        store.commit(&[enable(ALICE, &have[0])]).await.unwrap();
        assert_eq!(registrations(store, ALICE).await, have);
        let changes = [
            settle(ALICE, target, revision, status(1)),
            remove(ALICE, target),
            remove_service(ALICE, "push.example.net"),
            remove_owner(ALICE),
        ];
        for change in changes {
            store.commit(&[change]).await.unwrap();
        }
    }
    6 * TIMES
}

/// Tables and how often they were scanned whole, how often by the key, and how many rows were read in all.
async fn scans(database: &Database) -> Vec<(u64, u64, u64)> {
    closed(database).await;
    let scans = "
        SELECT seq_scan, idx_scan, seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables
        WHERE relname LIKE 'registration%' ORDER BY relname";
    let lines = database.execute(scans).await.unwrap();
    let number = |field: &str| field.parse().unwrap_or(0);
    let row = |line: &str| {
        let mut fields = line.split('|').map(number);
        (
            fields.next().unwrap(),
            fields.next().unwrap(),
            fields.next().unwrap(),
        )
    };
    lines.lines().map(row).collect()
}

/// A store that is counted from here on.
async fn counted(database: &Database) -> PostgresStore {
    closed(database).await;
    database.execute("SELECT pg_stat_reset()").await.unwrap();
    connect(database).await
}

#[tokio::test]
async fn every_statement_goes_by_the_key() {
    let database = crowded().await;
    let store = counted(&database).await;
    let statements = use_one(&store).await;
    let page = store.page(Kind::Registrations, None, 10).await.unwrap();
    assert_eq!(page.entries.len(), 10);
    drop(store);
    assert_by_key(&database, statements).await;
}

/// A server keeps the plan it has chosen for an empty table.
#[tokio::test]
async fn every_statement_goes_by_the_key_when_the_table_has_grown() {
    let (database, store) = store().await;
    drop(store);
    // It would look anew when it has gathered statistics.
    let without = "ALTER TABLE registration SET (autovacuum_enabled = off)";
    database.execute(without).await.unwrap();
    let store = counted(&database).await;
    let before = use_one(&store).await;
    fill(&database).await;
    let after = use_one(&store).await;
    drop(store);
    assert_by_key(&database, before + after).await;
}

async fn assert_by_key(database: &Database, statements: u64) {
    let [(whole, by_key, rows)] = scans(database).await[..] else {
        panic!("one table")
    };
    assert_eq!(whole, 0, "scans of the whole table");
    assert!(by_key >= statements, "{by_key} for {statements} statements");
    assert!(
        rows < 3 * statements + 20,
        "{rows} for {statements} statements"
    );
}

#[tokio::test]
async fn every_statement_about_an_owner_stays_in_its_partition() {
    let database = crowded().await;
    partition(&database).await;
    let store = counted(&database).await;
    use_one(&store).await;
    drop(store);
    let scans = scans(&database).await;
    assert_eq!(scans.len(), PARTS + 1);
    let used = scans.iter().filter(|scan| scan.0 + scan.1 > 0).count();
    assert_eq!(used, 1, "{scans:?}");
    assert!(scans.iter().all(|scan| scan.0 == 0), "{scans:?}");
}

#[tokio::test]
async fn all_are_gone_through_by_the_key() {
    let database = crowded().await;
    let store = counted(&database).await;
    let change = enable(ALICE, &registration("push.example.net", "n", 1));
    store.commit(&[change]).await.unwrap();
    let counts = store.counts().await.unwrap();
    assert_eq!(counts.total(), OTHERS as u64 + 1);
    let nobodys = jid("nobody.example");
    assert_eq!(store.remove_domain(nobodys.domain()).await.unwrap(), 0);
    drop(store);
    let whole = scans(&database).await[0].0;
    assert_eq!(whole, 0, "scans of the whole table");
}
