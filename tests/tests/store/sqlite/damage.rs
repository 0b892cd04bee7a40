//! Files that are not ours to write, or no longer whole: said so, and left as they are.

use super::{config, path, shell, store};
use push_core::BareJid;
use push_core::store::{RegistrationStore, StoreError};
use push_store_sqlite::open;
use push_tests::store::{enable, jid, registration};
use std::fs;
use tempfile::TempDir;

/// Opening fails, and changes nothing in the folder.
fn refusal(folder: &TempDir) -> StoreError {
    let before = fs::read(path(folder)).unwrap();
    let error = open(config(&path(folder))).unwrap_err();
    assert!(
        fs::read(path(folder)).unwrap() == before,
        "the file was changed"
    );
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "files were left behind"
    );
    error
}

/// A folder with what these statements make of a new file.
fn database(sql: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    shell(&folder).execute_batch(sql).unwrap();
    folder
}

#[test]
fn another_programs_database_is_refused() {
    for sql in [
        "CREATE TABLE registration (owner TEXT)",
        "CREATE TABLE t (a); PRAGMA journal_mode = wal",
        "CREATE TABLE t (a); PRAGMA application_id = 7",
        "CREATE TABLE t (a); PRAGMA user_version = 1",
        "PRAGMA application_id = 7",
        "PRAGMA user_version = 1",
    ] {
        let error = refusal(&database(sql));
        assert!(
            matches!(&error, StoreError::Refused { reason } if reason.contains("another program")),
            "{sql}: {error}"
        );
    }
}

#[tokio::test]
async fn a_later_version_is_refused() {
    let (folder, store) = store();
    drop(store);
    shell(&folder)
        .execute_batch("PRAGMA user_version = 99")
        .unwrap();
    let error = refusal(&folder);
    assert!(
        matches!(&error, StoreError::WrongVersion { reason } if reason.contains("99")),
        "{error}"
    );
}

#[test]
fn what_is_no_database_is_corrupt() {
    for content in [&b"secret = \"x\"\n"[..], &[0; 8192], &[b'x'; 10_000]] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(path(&folder), content).unwrap();
        let error = refusal(&folder);
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    }
}

#[test]
fn the_beginning_of_a_database_is_corrupt() {
    for length in [60, 100, 2000, 4096] {
        let (folder, store) = store();
        drop(store);
        let file = fs::OpenOptions::new()
            .write(true)
            .open(path(&folder))
            .unwrap();
        file.set_len(length).unwrap();
        let error = refusal(&folder);
        assert!(
            matches!(error, StoreError::Corrupt { .. }),
            "{length}: {error}"
        );
    }
}

#[tokio::test]
async fn a_damaged_page_is_said_and_repaired_by_nobody() {
    let (folder, store) = store();
    let owners: Vec<BareJid> = (0..2000)
        .map(|n| jid(&format!("u{n}@example.org")))
        .collect();
    let have = registration("push.example.net", "n", 1);
    let changes: Vec<_> = owners
        .iter()
        .map(|owner| enable(owner.as_str(), &have))
        .collect();
    store.commit(&changes).await.unwrap();
    drop(store);
    let mut content = fs::read(path(&folder)).unwrap();
    content[3 * 4096..].fill(0xff);
    fs::write(path(&folder), &content).unwrap();

    let store = open(config(&path(&folder))).unwrap();
    for error in [
        store.load(&owners).await.unwrap_err(),
        store.commit(&changes).await.unwrap_err(),
    ] {
        assert!(
            matches!(&error, StoreError::Corrupt { reason } if reason.contains("registrations.db")),
            "{error}"
        );
    }
    drop(store);
    assert!(fs::read(path(&folder)).unwrap()[3 * 4096..] == content[3 * 4096..]);
}
