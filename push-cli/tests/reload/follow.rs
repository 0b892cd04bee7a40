//! What a service that is connected follows, and what it does not.

use crate::program::{Program, config, eventually};
use crate::server::Server;

const ONE: &str = "[\"example.org\"]";
const TWO: &str = "[\"example.org\", \"example.com\"]";
const RELOADED: &str = "configuration reloaded";

/// Waits until the service greets the adapter of a host.
fn greets(server: &Server, host: &str) {
    let to = [format!("to='{host}"), format!("to=\"{host}")];
    eventually(
        || to.iter().any(|to| server.has(to)),
        || format!("{host} is not greeted"),
    );
}

#[test]
fn a_host_that_is_added_is_served_and_a_bad_file_changes_nothing() {
    let server = Server::start();
    let mut program = Program::start(&config(server.port(), ONE, ""));
    greets(&server, "example.org");
    let broken = config(server.port(), TWO, "").replace("hunter1\"", "hunter2");
    program.reload(&broken, "the configuration was not reloaded");
    let refused = config(
        server.port(),
        TWO,
        "[push]\nplugin = \"hunter3\"\nidentity = \"hunter4\"",
    );
    program.reload(&refused, "the configuration was not reloaded");
    let log = program.log();
    for said in ["xmpp-push.toml, line 5", "push.plugin", "push.identity"] {
        assert!(log.contains(said), "{said}: {log}");
    }
    assert!(!log.contains(RELOADED), "{log}");
    assert!(!server.has("example.com"), "a bad file was followed");
    program.reload(&config(server.port(), TWO, ""), RELOADED);
    greets(&server, "example.com");
    assert_eq!(program.stop().code(), Some(0), "{}", program.log());
    let log = program.log();
    assert!(log.contains("applied=\"component.hosts\""), "{log}");
    assert!(log.contains("stopped"), "{log}");
    assert!(!log.contains("hunter"), "{log}");
}

#[test]
fn the_log_level_can_be_raised_and_lowered() {
    /// What is logged of a stanza that is too long, each time, at debug.
    const PASSED_OVER: &str = "DEBUG stanza passed over";
    let server = Server::start();
    let long = format!(
        "<message from='example.org'><body>{}</body></message>",
        "x".repeat(2000)
    );
    let lines = |program: &Program| program.log().matches(PASSED_OVER).count();
    let with = |level: &str| config(server.port(), ONE, &format!("[log]\nlevel = {level:?}"));
    let program = Program::start(&with("info"));
    greets(&server, "example.org");
    server.send(&long);
    program.says("a stanza over stream.max_stanza was passed over");
    assert_eq!(lines(&program), 0, "{}", program.log());
    program.reload(&with("debug"), "applied=\"log.level\"");
    server.send(&long);
    program.says(PASSED_OVER);
    program.reload(&with("info"), "applied=\"log.level\"");
    server.send(&long);
    // By the time of its answer the stanza before it was read.
    program.reload(
        &config(server.port(), TWO, ""),
        "applied=\"component.hosts\"",
    );
    greets(&server, "example.com");
    assert_eq!(lines(&program), 1, "{}", program.log());
}

#[test]
fn keys_that_need_a_restart_are_named_and_the_rest_is_followed() {
    let server = Server::start();
    let mut program = Program::start(&config(server.port(), ONE, ""));
    greets(&server, "example.org");
    let changed = config(
        server.port(),
        TWO,
        "[lease]\nenabled = true\n[log]\nformat = \"json\"",
    )
    .replace("hunter1", "hunter2")
    .replace("registrations.db", "hunter3.db")
    .replace("jid = \"push.", "jid = \"hunter4.");
    for _ in 0..2 {
        let keys = "keys=\"component.jid, component.secret, store.url, lease.enabled, log.format\"";
        program.reload(&changed, keys);
    }
    greets(&server, "example.com");
    assert_eq!(program.stop().code(), Some(0), "{}", program.log());
    let log = program.log();
    assert!(log.contains("needs a restart"), "{log}");
    assert!(log.contains("applied=\"component.hosts\""), "{log}");
    assert!(!log.contains("hunter"), "{log}");
    assert!(!server.has("hunter4"), "the component has changed");
    assert!(!program.folder().join("hunter3.db").exists());
}

#[test]
fn rules_are_followed_and_bad_ones_are_named_by_their_line_and_change_nothing() {
    let server = Server::start();
    let often = "[policy]\nhello_interval = \"500ms\"\n";
    let rules = |action: &str| {
        let rules = format!("{often}[[push.rules]]\nname = \"calls\"\naction = {action:?}\n");
        config(server.port(), ONE, &rules)
    };
    let mut program = Program::start(&config(server.port(), ONE, often));
    greets(&server, "example.org");
    program.reload(&rules("hunter3"), "the configuration was not reloaded");
    let log = program.log();
    assert!(log.contains("push.rules.1.action (line "), "{log}");
    assert!(!log.contains("hunter3"), "{log}");
    assert!(!server.has(" any"), "bad rules were followed");
    let pushing = rules("push") + "content = \"count\"\n";
    program.reload(&pushing, RELOADED);
    // The adapters are told what is wanted now.
    eventually(
        || server.has(" any"),
        || "the adapter is not greeted anew".to_owned(),
    );
    assert_eq!(program.stop().code(), Some(0), "{}", program.log());
    let log = program.log();
    assert!(log.contains("applied=\"push.plugin\""), "{log}");
}
