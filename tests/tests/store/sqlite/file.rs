//! The file: made, found again, left alone.

use super::{config, path, shell, store};
use push_core::store::{RegistrationStore, StoreError};
use push_store_sqlite::{SqliteConfig, open};
use push_tests::store::{enable, registration, registrations};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

const ALICE: &str = "alice@example.org";

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn nobody_else_may_read_it_or_its_log() {
    let (folder, store) = store();
    let change = enable(ALICE, &registration("push.example.net", "n", 1));
    store.commit(&[change]).await.unwrap();
    assert!(names(folder.path()).len() > 1);
    for name in names(folder.path()) {
        let mode = fs::metadata(folder.path().join(&name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn closing_leaves_one_file_with_everything_in_it() {
    let (folder, store) = store();
    let have = registration("push.example.net", "n", 1);
    store.commit(&[enable(ALICE, &have)]).await.unwrap();
    drop(store);
    assert_eq!(names(folder.path()), ["registrations.db"]);
    let copy = folder.path().join("copy.db");
    fs::copy(path(&folder), &copy).unwrap();
    let store = open(SqliteConfig::new(copy)).unwrap();
    assert_eq!(registrations(&store, ALICE).await, [have]);
}

#[tokio::test]
async fn closing_finishes_what_is_queued() {
    let (folder, store) = store();
    let have = registration("push.example.net", "n", 1);
    let lock = shell(&folder);
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let change = [enable(ALICE, &have)];
    let call = tokio::time::timeout(Duration::from_millis(20), store.commit(&change)).await;
    assert!(call.is_err(), "nobody waits for it any more");
    let unlock = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        lock.execute_batch("ROLLBACK").unwrap();
    });
    drop(store);
    unlock.join().unwrap();
    let store = open(config(&path(&folder))).unwrap();
    assert_eq!(registrations(&store, ALICE).await, [have]);
}

#[test]
fn an_empty_file_becomes_a_store() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(path(&folder), "").unwrap();
    open(config(&path(&folder))).unwrap();
}

#[test]
fn names_with_a_meaning_to_sqlite_are_files() {
    let folder = tempfile::tempdir().unwrap();
    for name in [":memory:", "file:x?mode=memory", "ü %20.db"] {
        open(config(&folder.path().join(name))).unwrap();
        assert!(
            fs::metadata(folder.path().join(name)).unwrap().len() > 0,
            "{name}"
        );
    }
}

#[test]
fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let named = format!("no folder {}:", missing.display());
    match open(config(&missing.join("registrations.db"))) {
        Err(StoreError::Refused { reason }) => assert!(reason.contains(&named), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert!(!missing.exists());
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("link.db");
    symlink(folder.path().join("gone.db"), &nowhere).unwrap();
    for path in [folder.path(), &nowhere, Path::new("")] {
        let opened = open(config(path));
        assert!(
            matches!(opened, Err(StoreError::Refused { .. })),
            "{opened:?}"
        );
    }
    assert_eq!(names(folder.path()), ["link.db"]);
}

#[test]
fn many_can_open_a_new_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let opened: Vec<_> = (0..8)
        .map(|_| {
            let path = path(&folder);
            std::thread::spawn(|| {
                // Eight fsyncs in a row on a slow disk are no fault: the test has patience.
                let busy_timeout = Duration::from_secs(120);
                open(SqliteConfig {
                    busy_timeout,
                    ..SqliteConfig::new(path)
                })
            })
        })
        .collect();
    for store in opened {
        store.join().unwrap().unwrap();
    }
}

#[tokio::test]
async fn two_stores_share_a_file() {
    let (folder, one) = store();
    let two = open(config(&path(&folder))).unwrap();
    let have = registration("push.example.net", "n", 1);
    one.commit(&[enable(ALICE, &have)]).await.unwrap();
    assert_eq!(registrations(&two, ALICE).await, [have]);
    drop(one);
    let have = registration("push.example.net", "n", 2);
    two.commit(&[enable(ALICE, &have)]).await.unwrap();
    assert_eq!(registrations(&two, ALICE).await, [have]);
}

#[tokio::test]
async fn nothing_is_acknowledged_into_a_file_that_was_moved_away() {
    let (folder, store) = store();
    let change = [enable(ALICE, &registration("push.example.net", "n", 1))];
    let elsewhere = folder.path().join("elsewhere.db");
    fs::rename(path(&folder), &elsewhere).unwrap();
    match store.commit(&change).await {
        Err(StoreError::Unavailable { reason }) => assert!(reason.contains("moved"), "{reason}"),
        other => panic!("{other:?}"),
    }
    fs::rename(&elsewhere, path(&folder)).unwrap();
    store.commit(&change).await.unwrap();
}
