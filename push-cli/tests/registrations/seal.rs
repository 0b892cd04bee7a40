//! Sealed options.

use crate::kit::{Home, three};
use serde_json::json;

/// Whether a store's file holds one of the secrets in [`three`].
fn tells(home: &Home, store: &str) -> bool {
    let bytes = std::fs::read(home.file(&format!("{store}.db"))).unwrap();
    bytes.windows(6).any(|window| window == b"hunter")
}

#[test]
fn what_was_stored_in_clear_is_sealed_by_a_rewrite() {
    let home = Home::new();
    home.import("a", &[], &[], &three());
    assert!(tells(&home, "a"));
    // Read in clear as it is; written sealed.
    let export = home.export("a", &["A"], &[]);
    assert_eq!(export, three());
    home.import("b", &["A"], &[], &export);
    assert!(!tells(&home, "b"));
    assert_eq!(home.export("b", &["A"], &[]), three());
}

#[test]
fn a_key_is_replaced_by_a_rewrite() {
    let home = Home::new();
    home.import("a", &["A"], &[], &three());
    let both = ["B", "A"];
    let export = home.export("a", &both, &[]);
    assert_eq!(export, three());
    let done = home.import("a", &both, &["--rewrite"], &export);
    assert_eq!(done["enabled"], json!(3));
    assert_eq!(home.export("a", &["B"], &[]), three());
    let ran = home.run_with("a", &["A"], &["export"]);
    assert_eq!(ran.code, Some(65));
}

#[test]
fn sealed_options_are_carried_without_their_key() {
    let home = Home::new();
    home.import("a", &["A"], &[], &three());
    let export = home.export("a", &[], &["--as-stored"]);
    assert!(
        export.contains("\"sealed\"") && !export.contains("hunter"),
        "{export}"
    );
    let done = home.import("b", &[], &[], &export);
    assert_eq!(done["enabled"], json!(3));
    assert_eq!(home.export("b", &["A"], &[]), three());
    assert_eq!(home.export("b", &["B"], &["--as-stored"]), export);
}

#[test]
fn what_does_not_open_is_left_out_and_said() {
    let home = Home::new();
    home.import("a", &["A"], &[], &three());
    for keys in [&[][..], &["B"]] {
        let ran = home.run_with("a", keys, &["export"]);
        assert_eq!(ran.code, Some(65));
        let said = "registrations that cannot be read and were left out: 3";
        assert!(ran.err.contains(said), "{}", ran.err);
        assert!(ran.err.contains("sealed with the key"), "{}", ran.err);
        assert!(
            ran.out
                .ends_with("{\"complete\":true,\"registrations\":0}\n")
        );
    }
    assert_eq!(home.export("a", &["B", "A"], &[]), three());
}
