//! What is not done, and what is said of it.

use crate::kit::{HEADER, Home, active, export_of, three};
use std::fs::File;

/// Imports a text; exit code and what was said.
fn refused(home: &Home, args: &[&str], text: &str) -> (Option<i32>, String) {
    home.write("import", text);
    let ran = home.run("a", &[&["import", "import"], args].concat());
    assert!(!ran.err.contains("hunter"), "{}", ran.err);
    (ran.code, ran.err)
}

fn lines(count: u64) -> Vec<String> {
    (0..count).map(|n| active(&format!("u{n:04}"), n)).collect()
}

#[test]
fn a_line_that_cannot_be_read_is_named_and_nothing_of_its_batch_stored() {
    let home = Home::new();
    let mut all = lines(700);
    all[600] = active("u0600", 600).replace("\"revision\":\"600\"", "\"revision\":\"hunter2\"");
    let (code, said) = refused(&home, &[], &export_of(&all));
    assert_eq!(code, Some(65));
    assert!(said.contains("line 602: revision cannot be read"), "{said}");
    assert_eq!(home.export("a", &[], &[]), export_of(&lines(500)));
    let (code, said) = refused(&home, &["--skip-bad"], &export_of(&all));
    assert_eq!(code, Some(65));
    assert!(
        said.contains("lines that cannot be read and were left out: 1"),
        "{said}"
    );
    all.remove(600);
    assert_eq!(home.export("a", &[], &[]), export_of(&all));
}

#[test]
fn an_export_that_is_not_complete_is_told_from_one_that_is() {
    let home = Home::new();
    let whole = export_of(&lines(3));
    let trailer = whole.find("{\"complete").unwrap();
    let (without, cut) = (&whole[..trailer], &whole[..trailer - 9]);
    let miscounted = whole.replace(":3}", ":4}");
    for (text, said) in [
        (without, "its last line is missing"),
        (cut, "its last line is cut off"),
        (&miscounted, "its last line counts others"),
    ] {
        let (code, err) = refused(&home, &[], text);
        assert_eq!(code, Some(65), "{err}");
        assert!(err.contains(said), "{err}");
        let (code, err) = refused(&home, &["--partial"], text);
        assert_eq!(code, Some(0), "{err}");
    }
    let (code, err) = refused(
        &home,
        &["--partial"],
        &format!("{whole}{}\n", active("x", 1)),
    );
    assert_eq!(code, Some(65));
    assert!(err.contains("line 6: more lines behind the last"), "{err}");
}

#[test]
fn another_file_is_no_export() {
    let home = Home::new();
    let newer = HEADER.replace(":1}", ":2}");
    for text in ["", "hunter2\n", &active("a", 1), &newer] {
        let (code, said) = refused(&home, &["--partial", "--skip-bad"], text);
        assert_eq!(code, Some(65), "{said}");
        assert!(said.contains("import, line 1: "), "{said}");
    }
    let (code, said) = refused(&home, &[], &newer);
    assert_eq!(code, Some(65));
    assert!(said.contains("version 2"), "{said}");
}

#[test]
fn nothing_is_imported_beside_a_running_instance() {
    let home = Home::new();
    home.import("a", &[], &[], &three());
    let lock = File::create(home.file("a.db.lock")).unwrap();
    lock.lock().unwrap();
    let (code, said) = refused(&home, &[], &three());
    assert_eq!(code, Some(69));
    assert!(said.contains("another instance holds"), "{said}");
    assert_eq!(home.export("a", &[], &[]), three());
    assert_eq!(home.run("a", &["count"]).code, Some(0));
    assert_eq!(refused(&home, &["--dry-run"], &three()).0, Some(0));
}

#[test]
fn files_are_not_overwritten_and_others_not_gone_on_with() {
    let home = Home::new();
    home.import("a", &[], &[], &three());
    home.write("out", "precious");
    for args in [
        &["export", "-o", "out"][..],
        &["export", "-o", "out", "--resume"],
    ] {
        let ran = home.run("a", args);
        assert!(matches!(ran.code, Some(65 | 74)), "{ran:?}");
        assert_eq!(home.read("out"), "precious");
    }
    let ran = home.run("a", &["export", "-o", "nowhere/out"]);
    assert_eq!(ran.code, Some(74), "{ran:?}");
    assert!(ran.err.contains("nowhere/out cannot be used"), "{ran:?}");
}
