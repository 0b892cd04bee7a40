//! Files of other versions.

use super::{config, path, shell};
use push_core::registration::Status;
use push_core::store::{Migrated, RegistrationStore, StoreError};
use push_store_sqlite::{SqliteConfig, migrate, open};
use push_tests::store::{enable, registration, registrations, settle, status};
use tempfile::TempDir;

/// The schema of version 1 with two registrations, as the first release left it.
const FIRST: &str = r#"
    CREATE TABLE registration (
        owner TEXT NOT NULL, service TEXT NOT NULL, node TEXT NOT NULL, bucket INTEGER NOT NULL,
        revision INTEGER NOT NULL, status TEXT NOT NULL, enabled_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL, document TEXT NOT NULL,
        PRIMARY KEY (owner, service, node, bucket)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO registration VALUES
        ('alice@example.org', 'push.example.net', 'a', 31332, 9223372036854775807, 'active', 1790000000000, 0,
         '{"v":1,"options":[["secret","s"]],"resource":"phone","identity":"server"}'),
        ('alice@example.org', 'push.example.net', 'b', 31332, 5, 'active', 1790000000001, 0, '{"v":1,"identity":"user"}');
    PRAGMA application_id = 1481667432;
    PRAGMA user_version = 1;
"#;

fn first() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    shell(&folder).execute_batch(FIRST).unwrap();
    folder
}

fn by_hand(folder: &TempDir) -> SqliteConfig {
    SqliteConfig {
        auto_migrate: false,
        ..config(&path(folder))
    }
}

#[tokio::test]
async fn a_file_of_the_first_version_is_brought_up_to_date() {
    let folder = first();
    let store = open(config(&path(&folder))).unwrap();
    let have = registrations(&store, "alice@example.org").await;
    assert_eq!(have.len(), 2);
    assert_eq!(have[0].options.fields().next(), Some(("secret", "s")));
    // Revisions are in the order of time now, so that what is enabled next prevails.
    let next = registration("push.example.net", "a", 1_790_000_000_000 << 21);
    store
        .commit(&[enable("alice@example.org", &next)])
        .await
        .unwrap();
    assert_eq!(registrations(&store, "alice@example.org").await[0], next);
}

/// The addition of version 2, and a registration that somebody has imported as failing.
const SECOND: &str = "
    ALTER TABLE registration ADD COLUMN failures  INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE registration ADD COLUMN status_at INTEGER NOT NULL DEFAULT 0;
    UPDATE registration SET status = 'failing', failures = 3, status_at = 7 WHERE node = 'b';
    PRAGMA user_version = 2;
";

#[tokio::test]
async fn what_no_program_has_judged_begins_as_active() {
    let folder = first();
    shell(&folder).execute_batch(SECOND).unwrap();
    let store = open(config(&path(&folder))).unwrap();
    let have = registrations(&store, "alice@example.org").await;
    let found: Vec<_> = have.iter().map(|have| have.status).collect();
    assert_eq!(found, [Status::Active, Status::Active]);
    let change = settle("alice@example.org", &have[1].target, 5, status(1));
    store.commit(&[change]).await.unwrap();
    let have = registrations(&store, "alice@example.org").await;
    assert_eq!(have[1].status, status(1));
}

#[test]
fn nothing_is_migrated_unless_it_may_be() {
    let folder = first();
    let refused = open(by_hand(&folder)).unwrap_err();
    assert!(
        matches!(&refused, StoreError::WrongVersion { reason } if reason.contains("xmpp-push migrate")),
        "{refused}"
    );
    let version =
        shell(&folder).pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0));
    assert_eq!(version, Ok(1));
    assert_eq!(migrate(&by_hand(&folder)), Ok(Migrated { from: 1, to: 3 }));
    assert_eq!(migrate(&by_hand(&folder)), Ok(Migrated { from: 3, to: 3 }));
    open(by_hand(&folder)).unwrap();
}

#[test]
fn a_new_file_is_set_up() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(
        open(by_hand(&folder)),
        Err(StoreError::WrongVersion { .. })
    ));
    assert_eq!(migrate(&by_hand(&folder)), Ok(Migrated { from: 0, to: 3 }));
    open(by_hand(&folder)).unwrap();
}
