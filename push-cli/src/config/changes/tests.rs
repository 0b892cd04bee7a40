use super::Changes;
use crate::config::Config;
use crate::config::environment::Environment;
use crate::config::tests::parse_in;
use push_core::lease::Fence;
use std::collections::BTreeSet;
use std::path::Path;

/// A configuration in which every key has a meaning.
const BASE: &str = r#"
    [component]
    jid = "push.example.org"
    server = "127.0.0.1:5347"
    secret = "s3cret"
    hosts = ["example.org"]
    [store]
    url = "registrations.db"
    [lease]
    enabled = true
"#;

/// Keys that a running service follows, each with a value that is neither that of the base nor the default.
const APPLIED: &[(&str, &str)] = &[
    ("component.hosts", "example.org,example.com"),
    ("push.plugin", "mongooseim"),
    ("push.include_sender", "true"),
    ("push.include_body", "true"),
    ("push.placeholder", "hunter2"),
    ("push.identity", "server"),
    ("push.workers.workers", "7"),
    ("push.workers.max_queue", "7"),
    ("policy.registrations_per_user", "7"),
    ("policy.publish_timeout", "7s"),
    ("policy.in_flight_per_service", "7"),
    ("policy.in_flight_at_first", "7"),
    ("policy.in_flight_unproven", "7"),
    ("policy.in_flight_unproven_per_user", "7"),
    ("policy.in_flight_unanswered", "7"),
    ("policy.unproven_after", "7s"),
    ("policy.breaker_pause", "7s"),
    ("policy.breaker_max_pause", "7s"),
    ("policy.retry_pause", "7s"),
    ("policy.retry_max_pause", "7s"),
    ("policy.held_per_notification", "7"),
    ("policy.retries_in_memory", "7"),
    ("policy.wakeup_ttl", "6d"),
    ("policy.dedupe_window", "7s"),
    ("policy.dedupe_entries", "7"),
    ("policy.store_retry", "7s"),
    ("policy.hello_interval", "7s"),
    ("policy.ping_interval", "7s"),
    ("policy.drain_timeout", "7s"),
    ("policy.max_service", "7"),
    ("policy.max_node", "7"),
    ("policy.max_fields", "7"),
    ("policy.max_options", "7"),
    ("status.quarantine_after", "7s"),
    ("status.remove_after", "7s"),
    ("status.remove_refusals", "7"),
    ("status.remove_days", "7"),
    ("status.unreachable_after", "7s"),
    ("status.sudden_percent", "7"),
    ("status.sudden_users", "7"),
    ("cache.bytes", "7"),
    ("cache.ttl", "7s"),
    ("log.level", "debug"),
];

/// Keys that need a restart.
const RESTART: &[(&str, &str)] = &[
    ("component.jid", "push.example.com"),
    ("component.server", "127.0.0.1:7"),
    ("component.secret", "hunter2"),
    ("component.shards", "push2.example.org"),
    ("store.url", "hunter2"),
    ("store.auto_migrate", "false"),
    ("store.pool.size", "7"),
    ("store.pool.wait_timeout", "7s"),
    ("store.pool.connect_timeout", "7s"),
    ("store.encryption.key_files", "key"),
    ("lease.enabled", "false"),
    ("lease.duration", "7s"),
    ("push.workers.call_timeout", "7s"),
    ("stream.keep_alive", "7s"),
    ("stream.keep_alive_timeout", "7s"),
    ("stream.reconnect_first", "7s"),
    ("stream.reconnect_longest", "7s"),
    ("stream.max_stanza", "7"),
    ("log.format", "json"),
];

fn base() -> Config {
    parse_in(Path::new("/etc/x"), BASE, Environment::default()).unwrap()
}

/// The base with another value for one key.
fn other(key: &str, value: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
    std::fs::write(folder.path().join("key"), secret).unwrap();
    let value = if value == "key" {
        folder.path().join("key").display().to_string()
    } else {
        value.to_owned()
    };
    let environment = Environment::of([(Environment::name(key), value)]);
    parse_in(Path::new("/etc/x"), BASE, environment).unwrap()
}

#[test]
fn a_key_that_can_change_is_followed_and_named() {
    for (key, value) in APPLIED {
        let (running, other) = (base(), other(key, value));
        let (followed, changes) = running.follow(other.clone());
        assert_eq!(changes.applied, [*key]);
        assert!(changes.restart.is_empty(), "{key}: {changes:?}");
        let (_, again) = followed.follow(other);
        assert_eq!(again, Changes::default(), "{key} was not followed");
    }
}

#[test]
fn a_key_that_cannot_change_is_named_and_left_until_a_restart() {
    for (key, value) in RESTART {
        let (running, other) = (base(), other(key, value));
        let (followed, changes) = running.follow(other.clone());
        assert_eq!(changes.restart, [*key]);
        assert!(changes.applied.is_empty(), "{key}: {changes:?}");
        assert_eq!(
            running.follow(followed.clone()).1,
            Changes::default(),
            "{key}"
        );
        let (_, again) = followed.follow(other);
        assert_eq!(again.restart, [*key], "each time it is told again");
    }
}

#[test]
fn a_backend_cannot_change() {
    let text = BASE
        .replace("[lease]\n    enabled = true", "")
        .replace("[store]", "[store]\nbackend = \"memory\"");
    let memory = parse_in(Path::new("/etc/x"), &text, Environment::default()).unwrap();
    let (followed, changes) = base().follow(memory);
    assert_eq!(changes.restart, ["store.backend", "lease.enabled"]);
    assert_eq!(followed.store, base().store);
}

#[test]
fn other_profiles_are_followed() {
    let text = format!("{BASE}\n[[service]]\njid = \"*\"\nprofile = \"fpush\"");
    let other = parse_in(Path::new("/etc/x"), &text, Environment::default()).unwrap();
    let (followed, changes) = base().follow(other.clone());
    assert_eq!(changes.applied, ["service"]);
    assert_eq!(followed.follow(other).1, Changes::default());
}

#[test]
fn every_key_is_one_of_both() {
    let mut listed: BTreeSet<String> = [APPLIED, RESTART]
        .concat()
        .iter()
        .map(|(key, _)| (*key).to_owned())
        .collect();
    listed.extend(["store.backend", "service"].map(str::to_owned));
    let example = include_str!("../../../../xmpp-push.example.toml");
    let text = example.replace("\n#= ", "\n");
    let table: toml::Table = text.parse().unwrap();
    let keys: BTreeSet<String> = crate::config::unknown::leftovers(&table)
        .into_iter()
        .collect();
    assert_eq!(listed, keys);
}

#[test]
fn what_follows_from_a_key_that_cannot_change_stays_too() {
    let old = base();
    let timeouts = old.store.timeouts;
    let mut new = other("push.workers.call_timeout", "7s");
    new.settings.component = "push.example.com".to_owned();
    new.settings.policy.workers = 7;
    let (followed, _) = old.follow(new);
    let (before, after) = (old.settings, followed.settings);
    assert_eq!(after.policy.workers, 7);
    assert_eq!(after.policy.store_timeout, before.policy.store_timeout);
    assert_eq!(after.component, before.component);
    assert_eq!(followed.store.timeouts, timeouts);
    assert_eq!(after.fence, None::<Fence>);
}

#[test]
fn a_default_that_is_written_out_is_no_change() {
    for (key, value) in [
        ("stream.keep_alive", "30000ms"),
        ("policy.max_node", "1023"),
        ("push.plugin", "default"),
    ] {
        assert_eq!(
            base().follow(other(key, value)).1,
            Changes::default(),
            "{key}"
        );
    }
}

#[test]
fn rules_are_followed_and_named() {
    let with = |rest: &str| {
        parse_in(
            Path::new("/etc/x"),
            &format!("{BASE}{rest}"),
            Environment::default(),
        )
        .unwrap()
    };
    let rule = |name: &str, section: &str| {
        format!("[[{section}.rules]]\nname = '{name}'\naction = 'skip'\n")
    };
    let host = |name: &str| format!("[[host]]\nname = 'example.org'\n{}", rule(name, "host"));
    let cases = [
        (String::new(), rule("a", "push"), "push.plugin"),
        (rule("a", "push"), rule("b", "push"), "push.rules"),
        (String::new(), host("a"), "host"),
        (host("a"), host("b"), "host"),
    ];
    for (before, after, key) in cases {
        let (followed, changes) = with(&before).follow(with(&after));
        assert_eq!(changes.applied, [key]);
        let (_, again) = followed.follow(with(&after));
        assert_eq!(again, Changes::default(), "{key} was not followed");
    }
}
