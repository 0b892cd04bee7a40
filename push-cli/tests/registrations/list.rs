//! How registrations fare, one a line.

use crate::kit::{Home, three};

#[test]
fn each_is_listed_with_its_status_or_those_that_are_asked_for() {
    let home = Home::new();
    home.import("a", &[], &[], &three());
    let lines = |args: &[&str]| {
        let ran = home.run("a", &[&["list"], args].concat());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(!ran.out.contains("hunter"), "{ran:?}");
        ran.out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let all = lines(&[]);
    assert_eq!(all.len(), 3);
    assert!(all[0].starts_with("alice@example.org") && all[0].ends_with("active"));
    let since = "failing since 2026-09-21T14:13:20Z: 3 refusals on 1 day,";
    assert!(all[1].contains(since), "{}", all[1]);
    assert_eq!(lines(&["--status", "quarantined"]), all[2..]);
    assert_eq!(lines(&["bob@example.org"]), all[1..2]);
    let json: serde_json::Value = serde_json::from_str(&lines(&["--json"])[2]).unwrap();
    assert_eq!(
        (&json["status"], &json["refusals"]),
        (&"quarantined".into(), &4.into())
    );
    assert_eq!(home.run("a", &["list", "--status", "odd"]).code, Some(2));
}
