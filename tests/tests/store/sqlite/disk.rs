//! No room to write.

use super::child::{PROGRAM, StoreChild};
use super::path;
use std::process::Command;

/// Stands in for a full disk: the process may not make files larger. The signal that comes with it is ignored, so
/// that writes fail as they do on a disk.
fn small() -> StoreChild {
    let script = "trap '' XFSZ; ulimit -S -f 256; exec \"$0\"";
    StoreChild::run(Command::new("sh").args(["-c", script, PROGRAM]))
}

#[test]
fn a_disk_that_takes_no_more_is_unavailable_until_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = small();
    assert_eq!(child.open(&path(&folder)), "opened");
    let enabled =
        (0..).take_while(|n| child.ask(&format!("enable u{n}@example.org n")) == "enabled");
    let enabled = enabled.take(10_000).count();
    assert!(enabled < 10_000, "the limit has no effect");
    let answer = child.ask("enable u@example.org n");
    assert!(answer.starts_with("store unavailable: "), "{answer}");

    let id = child.id().to_string();
    let raised = Command::new("prlimit")
        .args(["--pid", &id, "--fsize=unlimited:"])
        .status();
    assert!(raised.unwrap().success());
    assert_eq!(child.ask("enable u@example.org n"), "enabled");
    for n in (0..enabled).chain([enabled - 1]) {
        assert_eq!(child.ask(&format!("load u{n}@example.org")), "1");
    }
    assert_eq!(child.ask("load u@example.org"), "1");
}
