//! No right to write.

use super::child::{PROGRAM, StoreChild};
use super::{path, store};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Nobody on every system: rights do not bind root.
const NOBODY: u32 = 65_534;

/// A store's process without special rights, which can reach `folder`.
fn unprivileged(folder: &TempDir) -> StoreChild {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return StoreChild::start(PROGRAM);
    }
    // The build may be where only root can go. Not copied by this process: another test's child would inherit the
    // descriptor it is written through, and a program somebody writes to cannot be run.
    let program = folder.path().join("store-child");
    let copied = Command::new("cp").arg(PROGRAM).arg(&program).status();
    assert!(copied.unwrap().success());
    mode(folder.path(), 0o755);
    StoreChild::run(Command::new(program).uid(NOBODY).gid(NOBODY))
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_read_only_file_is_refused() {
    let (folder, store) = store();
    drop(store);
    mode(&path(&folder), 0o444);
    let mut child = unprivileged(&folder);
    let answer = child.open(&path(&folder));
    assert!(
        answer.starts_with("store refused: ") && answer.contains("read-only"),
        "{answer}"
    );
}

#[test]
fn an_unreadable_file_is_refused() {
    let (folder, store) = store();
    drop(store);
    mode(&path(&folder), 0);
    let mut child = unprivileged(&folder);
    let answer = child.open(&path(&folder));
    assert!(answer.starts_with("store refused: "), "{answer}");
}

#[test]
fn a_read_only_folder_is_refused() {
    let (folder, store) = store();
    drop(store);
    mode(&path(&folder), 0o666);
    let mut child = unprivileged(&folder);
    mode(folder.path(), 0o555);
    for file in [path(&folder), folder.path().join("new.db")] {
        let answer = child.open(&file);
        assert!(answer.starts_with("store refused: "), "{answer}");
    }
    mode(folder.path(), 0o755);
}
