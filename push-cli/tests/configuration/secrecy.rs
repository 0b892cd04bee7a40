//! No command shows a value of the file or of the environment, whatever is wrong with it.

use std::fs;
use std::process::Command;

/// Stands in every text below, as the beginning of a secret, a password or another value.
const VALUE: &str = "hunter";

/// Every command that reads the configuration.
const COMMANDS: [&[&str]; 7] = [
    &["run"],
    &["check"],
    &["check", "--json"],
    &["migrate"],
    &["registrations", "count"],
    &["registrations", "export"],
    &["registrations", "import"],
];

/// What a command printed and how it ended.
fn run(command: &[&str], text: &str, variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("xmpp-push.toml");
    fs::write(&file, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_xmpp-push"))
        .arg("--config")
        .arg(&file)
        .args(command)
        .env_remove("RUST_LOG")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let printed = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(printed).unwrap())
}

/// A configuration whose `[component]` section ends with these lines.
fn with(lines: &str) -> String {
    format!(
        "[component]\njid = \"push.example.org\"\nserver = \"127.0.0.1:1\"\nhosts = [\"example.org\"]\n{lines}\n[store]\nbackend = \"memory\"\n"
    )
}

#[test]
fn a_syntax_error_is_placed_and_its_line_is_not_shown() {
    let broken = [
        (
            "secret = \"hunter2",
            "line 5, column 18: invalid basic string, expected",
        ),
        (
            "secret = \"\"\"hunter2",
            "line 8, column 1: invalid multi-line",
        ),
        ("secret = 'hunter2", "line 5, column 18"),
        (
            "secret = hunter2",
            "line 5, column 10: string values must be quoted",
        ),
        ("secret \"hunter2\"", "line 5, column 8"),
        ("hunter2", "line 5, column "),
        ("secret = \"hunter2\\q\"", "line 5, column 19"),
        ("secret = \"hunter2\" hunter3", "line 5, column 20"),
        (
            "secret = \"hunter2\"\nsecret = \"hunter3\"",
            "line 6, column 1",
        ),
        ("secret = \"hunter2\u{1}\"", "line 5, column "),
        ("secret = \"hunter2\\u12\"", "line 5, column "),
        ("secret = 0hunter2", "line 5, column "),
        ("secret = { hunter2", "line 6, column 1"),
        ("secret = [\"hunter2\"", "line 6, column 1"),
        (
            "secret = \"x\"\n[store]\nurl = \"postgres://u:hunter2@h/d\"\nurl = \"postgres://u:hunter3@h/d\"",
            "line 8, column 1",
        ),
    ];
    for (lines, place) in broken {
        for command in COMMANDS {
            let (code, printed) = run(command, &with(lines), &[]);
            assert!(!printed.contains(VALUE), "{command:?} {lines:?}: {printed}");
            assert_eq!(code, Some(78), "{command:?} {lines:?}: {printed}");
            let named = printed.contains("xmpp-push.toml, ") && printed.contains(place);
            assert!(named, "{command:?} {lines:?}: {printed}");
        }
    }
}

#[test]
fn a_value_that_cannot_be_used_is_named_by_its_key() {
    let secret = "secret = \"x\"";
    let wrong = [
        ("secret = [\"hunter2\"]", "component.secret"),
        ("secret = { hunter = 2 }", "component.secret"),
        (
            "secret = \"x\"\nshards = [\"hunter2@x\"]",
            "component.shards",
        ),
        (
            "secret = \"x\"\n[push]\nplugin = \"hunter2\"",
            "push.plugin",
        ),
        (
            "secret = \"x\"\n[push]\nidentity = \"hunter2\"",
            "push.identity",
        ),
        ("secret = \"x\"\n[log]\nformat = \"hunter2\"", "log.format"),
        ("secret = \"x\"\n[log]\nlevel = \"hunter2\"", "log.level"),
        (
            "secret = \"x\"\n[policy]\nstore_retry = \"hunter2\"",
            "policy.store_retry",
        ),
        ("secret_file = \"hunter2\"", "component.secret_file"),
        (
            "secret = \"x\"\n[store.encryption]\nkey_files = [\"hunter2\"]",
            "store.encryption.key_files",
        ),
        ("secret = \"x\"\nsercet = \"hunter2\"", "component.sercet"),
    ];
    for (lines, key) in wrong {
        for command in COMMANDS {
            let (code, printed) = run(command, &with(lines), &[]);
            assert!(!printed.contains(VALUE), "{command:?} {lines:?}: {printed}");
            assert_eq!(code, Some(78), "{command:?} {lines:?}: {printed}");
            assert!(printed.contains(key), "{command:?} {lines:?}: {printed}");
        }
    }
    for (name, key) in [
        ("XMPP_PUSH__COMPONENT__JID", "component.jid"),
        ("XMPP_PUSH__COMPONENT__HOSTS", "component.hosts"),
        ("XMPP_PUSH__COMPONENT__SERVER", "component.server"),
        ("XMPP_PUSH__STORE__BACKEND", "store.backend"),
        ("XMPP_PUSH__STORE__AUTO_MIGRATE", "store.auto_migrate"),
        ("XMPP_PUSH__PUSH__WORKERS__WORKERS", "push.workers.workers"),
        ("XMPP_PUSH__CACHE__TTL", "cache.ttl"),
        (
            "XMPP_PUSH__COMPONENT__SERCET",
            "XMPP_PUSH__COMPONENT__SERCET",
        ),
        ("RUST_LOG", "RUST_LOG"),
    ] {
        for command in COMMANDS {
            let (code, printed) = run(command, &with(secret), &[(name, "hunter@=2=")]);
            assert!(!printed.contains(VALUE), "{command:?} {name}: {printed}");
            assert_eq!(code, Some(78), "{command:?} {name}: {printed}");
            assert!(printed.contains(key), "{command:?} {name}: {printed}");
        }
    }
}
