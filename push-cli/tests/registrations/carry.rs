//! From store to store.

use crate::kit::{Home, active, export_of, line, three};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;

#[test]
fn what_is_exported_is_the_same_in_another_store() {
    let home = Home::new();
    let done = home.import("a", &[], &[], &three());
    assert_eq!((&done["read"], &done["enabled"]), (&json!(3), &json!(3)));
    let exported = home.export("a", &[], &[]);
    assert_eq!(exported, three());
    home.import("b", &[], &[], &exported);
    assert_eq!(home.export("b", &[], &[]), three());
}

#[test]
fn one_store_is_piped_into_another() {
    let home = Home::new();
    home.import("a", &[], &[], &three());
    let mut export = home.command("a", &[], &["export"]);
    let mut export = export.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut import = home.command("b", &[], &["import"]);
    let imported = import
        .stdin(export.stdout.take().unwrap())
        .status()
        .unwrap();
    assert!(imported.success() && export.wait().unwrap().success());
    assert_eq!(home.export("b", &[], &[]), three());
}

#[test]
fn importing_again_changes_nothing() {
    let home = Home::new();
    home.import("a", &[], &[], &three());
    let done = home.import("a", &[], &[], &three());
    assert_eq!((&done["enabled"], &done["present"]), (&json!(0), &json!(3)));
    assert_eq!(home.export("a", &[], &[]), three());
}

#[test]
fn an_older_export_changes_nothing_that_is_newer() {
    let home = Home::new();
    let failing = r#""status":"failing","refusals":1,"days":1,"since":5,"last":5"#;
    let now = export_of(&[active("alice", 8), line("bob", 4, failing)]);
    home.import("a", &[], &[], &now);
    // alice has enabled again since, bob's registration has begun to fail.
    let older = export_of(&[active("alice", 7), active("bob", 4), active("carol", 1)]);
    let done = home.import("a", &[], &[], &older);
    let expected = json!({
        "read": 3, "enabled": 1, "present": 1, "newer": 1, "bad": 0, "dry_run": false,
    });
    assert_eq!(done, expected);
    let after = export_of(&[
        active("alice", 8),
        line("bob", 4, failing),
        active("carol", 1),
    ]);
    assert_eq!(home.export("a", &[], &[]), after);
    // Neither does rewriting; but a status is taken from the file then.
    let done = home.import("a", &[], &["--rewrite"], &older);
    assert_eq!((&done["enabled"], &done["newer"]), (&json!(2), &json!(1)));
    let after = export_of(&[active("alice", 8), active("bob", 4), active("carol", 1)]);
    assert_eq!(home.export("a", &[], &[]), after);
}

#[test]
fn a_dry_run_says_what_would_be_done_and_writes_nothing() {
    let home = Home::new();
    home.import(
        "a",
        &[],
        &[],
        &export_of(&[active("alice", 7), active("bob", 9)]),
    );
    let before = home.export("a", &[], &[]);
    let file = export_of(&[active("alice", 7), active("bob", 8), active("carol", 1)]);
    let done = home.import("a", &[], &["--dry-run"], &file);
    let expected = json!({
        "read": 3, "enabled": 1, "present": 1, "newer": 1, "bad": 0, "dry_run": true,
    });
    assert_eq!(done, expected);
    assert_eq!(home.export("a", &[], &[]), before);
}

#[test]
fn an_export_that_was_cut_off_anywhere_goes_on() {
    let home = Home::new();
    let lines: Vec<_> = (0..1200).map(|n| active(&format!("u{n:04}"), n)).collect();
    let whole = export_of(&lines);
    home.import("a", &[], &[], &whole);
    let length = whole.len();
    let ran = home.run("a", &["export", "-o", "out"]);
    assert_eq!((ran.code, home.read("out")), (Some(0), whole.clone()));
    let mode = home.file("out").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for cut in [
        0,
        10,
        49,
        50,
        300,
        length / 2,
        length - 40,
        length - 1,
        length,
    ] {
        home.write("out", &whole[..cut]);
        let ran = home.run("a", &["export", "-o", "out", "--resume"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(home.read("out") == whole, "cut at {cut}");
    }
}

#[test]
fn registrations_are_counted_by_status() {
    let home = Home::new();
    home.import("a", &[], &[], &three());
    let ran = home.run("a", &["count", "--json"]);
    let counts: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let expected = json!({ "active": 1, "failing": 1, "quarantined": 1, "other": 0, "total": 3 });
    assert_eq!(counts, expected);
    let ran = home.run("a", &["count"]);
    assert!(ran.out.contains("quarantined  1\n"), "{}", ran.out);
}
