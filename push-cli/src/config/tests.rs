mod rules;

use super::environment::Environment;
use super::{BackendKind, Config, ConfigFile, Problems};
use push_core::profile::Profiles;
use push_core::{IdentityChoice, StoreTimeouts};
use std::path::Path;
use std::time::Duration;

pub(super) const LEAST: &str = r#"
    [component]
    jid = "push.example.org"
    server = "127.0.0.1:5347"
    secret = "s3cret"
    hosts = ["example.org"]
    [store]
    url = "registrations.db"
"#;

/// A key, as its file holds it.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";

/// The configuration in a text, as if it were a file of this folder.
pub(super) fn parse_in(
    folder: &Path,
    text: &str,
    environment: Environment,
) -> Result<Config, Problems> {
    let backends = &BackendKind::ALL;
    ConfigFile::new(folder.join("xmpp-push.toml"), backends).parse(text, environment)
}

pub(super) fn parse(text: &str) -> Result<Config, Problems> {
    parse_in(Path::new("/etc/x"), text, Environment::default())
}

pub(super) fn parse_with(variables: &[(&str, &str)]) -> Result<Config, Problems> {
    let variables = variables.iter().copied();
    parse_in(Path::new("/etc/x"), LEAST, Environment::of(variables))
}

fn problems(text: &str) -> Vec<(String, String)> {
    let problems = parse(text).unwrap_err();
    problems
        .iter()
        .map(|(path, reason)| (path.to_owned(), reason.to_owned()))
        .collect()
}

#[test]
fn little_is_needed() {
    let config = parse(LEAST).unwrap();
    assert_eq!(config.settings.component, "push.example.org");
    assert_eq!(config.settings.hosts, ["example.org"]);
    assert_eq!(config.settings.identity, IdentityChoice::Auto);
    assert_eq!(config.settings.plugin.name(), "default");
    assert_eq!(config.store.path, Path::new("/etc/x/registrations.db"));
}

#[test]
fn the_example_is_read_and_says_the_defaults() {
    let example = include_str!("../../../xmpp-push.example.toml");
    let config = parse(example).unwrap();
    let least = parse(LEAST).unwrap();
    assert_eq!(config.settings.policy, least.settings.policy);
    assert_eq!(config.store.timeouts, least.store.timeouts);
    assert_eq!(config.drain_timeout, least.drain_timeout);
    assert_eq!(config.log, least.log);
}

#[test]
fn the_example_names_every_key_even_those_left_out() {
    // Every commented-out key is a real one: with the comment taken off it is read, too.
    let example = include_str!("../../../xmpp-push.example.toml");
    let uncommented: Vec<&str> = example
        .lines()
        .map(|line| line.strip_prefix("#= ").unwrap_or(line))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("keys")).unwrap();
    std::fs::write(folder.path().join("keys/2026-11"), KEY).unwrap();
    let text = uncommented.join("\n");
    let mut config = parse_in(folder.path(), &text, Environment::default()).unwrap();
    assert!(config.store.encryption.keys.first().is_some());
    assert!(config.settings.policy.cache_ttl.take().is_some());
    assert_eq!(profile_of(&config, "push.example.net"), "fpush");
    config.settings.policy.profiles = Profiles::default();
    assert_eq!(
        config.settings.policy,
        parse(LEAST).unwrap().settings.policy
    );
}

#[test]
fn all_problems_are_told_at_once_with_their_path() {
    let told = problems(
        r#"
        [component]
        jid = "user@push.example.org"
        hosts = ["a@b"]
        server = 5347
        secrt = "x"
        [push]
        plugin = "nothing"
        identity = "me"
        [push.workers]
        workers = 0
        call_timeout = "soon"
        [admin]
        listen = "127.0.0.1:1"
        "#,
    );
    let paths: Vec<&str> = told.iter().map(|(path, _)| path.as_str()).collect();
    let expected = [
        "component.jid",
        "component.server",
        "component.secret",
        "component.hosts",
        "push.plugin",
        "push.identity",
        "push.workers.workers",
        "store.url",
        "push.workers.call_timeout",
        "admin.listen",
        "component.secrt",
    ];
    for path in expected {
        assert!(paths.contains(&path), "{path} is not in {paths:?}");
    }
    assert_eq!(paths.len(), expected.len(), "{told:?}");
}

#[test]
fn every_time_out_of_the_store_follows_from_one_key_and_the_lease() {
    let text = format!(
        "{LEAST}[push.workers]\ncall_timeout = \"2s\"\n[lease]\nenabled = true\nduration = \"4s\""
    );
    let config = parse(&text).unwrap();
    let timeouts = StoreTimeouts::new(Duration::from_secs(2));
    assert_eq!(config.settings.policy.store_timeout, timeouts.machine());
    let leased = timeouts.within_lease(Duration::from_secs(4));
    assert_eq!(config.store.timeouts, leased);
    assert_eq!(config.store.pool.wait_timeout, timeouts.pool_wait());

    let told = problems(&text.replace("2s", "9ms"));
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, "push.workers.call_timeout");
}

#[test]
fn the_environment_overrides_the_file() {
    let config = parse_with(&[
        ("XMPP_PUSH__PUSH__WORKERS__WORKERS", "7"),
        ("XMPP_PUSH__COMPONENT__HOSTS", "a.org, b.org"),
        ("HOME", "/x"),
    ]);
    let config = config.unwrap();
    assert_eq!(config.settings.policy.workers, 7);
    assert_eq!(config.settings.hosts, ["a.org", "b.org"]);
}

#[test]
fn an_override_of_nothing_is_refused() {
    let problems = parse_with(&[("XMPP_PUSH__PUSH__PLUGN", "x")]).unwrap_err();
    let told = "XMPP_PUSH__PUSH__PLUGN: is not known: did you mean push.plugin?";
    assert!(problems.to_string().contains(told), "{problems}");
}

#[test]
fn secrets_come_from_files_or_directly_but_not_both() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "from-file\n").unwrap();
    let by_file = LEAST.replace("secret = \"s3cret\"", "secret_file = \"secret\"");
    parse_in(folder.path(), &by_file, Environment::default()).unwrap();
    let both = LEAST.replace("secret =", "secret_file = \"secret\"\nsecret =");
    let told = parse_in(folder.path(), &both, Environment::default()).unwrap_err();
    assert!(told.to_string().contains("not both"), "{told}");
    let missing = parse_in(Path::new("/nowhere"), &by_file, Environment::default()).unwrap_err();
    assert!(
        missing.to_string().contains("component.secret_file"),
        "{missing}"
    );
}

#[test]
fn no_secret_is_shown() {
    let config = parse(&LEAST.replace("registrations.db", "hunter2")).unwrap();
    let shown = format!("{config:?}");
    assert!(
        !shown.contains("s3cret") && !shown.contains("hunter2"),
        "{shown}"
    );
}

#[test]
fn a_backend_that_is_not_built_in_lists_those_that_are() {
    let told = problems(&LEAST.replace("[store]", "[store]\nbackend = \"redis\""));
    let reason = &told
        .iter()
        .find(|(path, _)| path == "store.backend")
        .unwrap()
        .1;
    assert!(reason.contains("memory"), "{reason}");
}

#[test]
fn a_url_must_match_its_backend() {
    for (backend, needed) in [("postgres", "postgres://"), ("mongo", "mongodb://")] {
        let store = format!("[store]\nbackend = {backend:?}");
        let told = problems(&LEAST.replace("[store]", &store));
        let reason = told.iter().find(|(path, _)| path == "store.url");
        let reason = &reason.unwrap().1;
        assert!(reason.contains(needed), "{reason}");
    }
    let told = problems(&LEAST.replace("registrations.db", "postgres://h/d"));
    assert_eq!(told[0].0, "store.url");
}

#[test]
fn durations_are_written_with_units() {
    let config = parse(&format!("{LEAST}\n[policy]\npublish_timeout = \"35s\"")).unwrap();
    assert_eq!(
        config.settings.policy.publish_timeout,
        Duration::from_secs(35)
    );
    assert_eq!(
        problems(&format!("{LEAST}\n[policy]\npublish_timeout = 35"))[0].0,
        "policy.publish_timeout"
    );
}

#[test]
fn keys_come_from_files_beside_the_configuration() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new.key");
    std::fs::write(&file, KEY).unwrap();
    let text = format!("{LEAST}\n[store.encryption]\nkey_files = [\"new.key\"]");
    for (mode, exposed) in [
        (0o600, vec![]),
        (0o640, vec![]),
        (0o644, vec![file.clone()]),
    ] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let config = parse_in(folder.path(), &text, Environment::default()).unwrap();
        assert_eq!(config.store.encryption.exposed, exposed, "{mode:o}");
        let shown = format!("{config:?} {:?}", config.store.encryption);
        assert!(!shown.contains(KEY.trim()), "{shown}");
    }
}

#[test]
fn a_file_that_holds_no_key_is_told_by_its_place_in_the_list_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let all: Vec<(&str, &[u8])> = vec![
        ("short", b"aHVudGVyMg==\n"),
        ("text", b"hunter2!"),
        ("bytes", &[0xff; 32]),
        ("long", &[b'A'; 4096]),
    ];
    for (name, content) in &all {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let text = format!(
        "{LEAST}\n[store.encryption]\nkey_files = [\"short\", \"text\", \"bytes\", \"long\", \"missing\"]"
    );
    let told = parse_in(folder.path(), &text, Environment::default()).unwrap_err();
    let told: Vec<_> = told.iter().collect();
    assert_eq!(told.len(), 5, "{told:?}");
    let names = ["short", "text", "bytes", "long", "missing"];
    for ((number, name), (path, reason)) in (1..).zip(names).zip(&told) {
        assert_eq!(*path, "store.encryption.key_files");
        assert!(
            reason.starts_with(&format!("file {number} ")),
            "{name}: {reason}"
        );
        assert!(
            !reason.contains("hunter2") && !reason.contains("aHVudGVy"),
            "{reason}"
        );
    }
    let none = problems(&format!("{LEAST}\n[store.encryption]\nkey_files = []"));
    assert_eq!(none[0].0, "store.encryption.key_files");
}

#[test]
fn shards_differ_in_the_component_alone() {
    let text = LEAST.replace(
        "hosts =",
        r#"shards = ["b.example.org", "C.example.org"]
    hosts ="#,
    );
    let config = parse(&text).unwrap();
    let shards: Vec<_> = config.shards().collect();
    let names = shards.iter().map(|(stream, settings)| {
        assert_eq!(stream.component.as_str(), settings.component);
        settings.component.as_str()
    });
    let expected = ["push.example.org", "b.example.org", "c.example.org"];
    assert_eq!(names.collect::<Vec<_>>(), expected);
    assert_eq!(config.components(), expected.join(","));
    let twice = LEAST.replace("hosts =", "shards = [\"push.example.org\"]\n hosts =");
    assert_eq!(problems(&twice)[0].0, "component.shards");
}

#[test]
fn a_lease_needs_a_store_that_others_see() {
    assert_eq!(parse(LEAST).unwrap().lease, None);
    let lease = format!("{LEAST}[lease]\nenabled = true\n");
    assert_eq!(parse(&lease).unwrap().lease, Some(Duration::from_secs(10)));
    let memory = lease.replace("[store]", "[store]\nbackend = \"memory\"");
    assert_eq!(problems(&memory)[0].0, "lease.enabled");
    let short = format!("{lease}duration = \"100ms\"\n");
    assert_eq!(problems(&short)[0].0, "lease.duration");
}

fn with_services(services: &str) -> String {
    format!("{LEAST}\n{services}")
}

fn profile_of(config: &Config, service: &str) -> &'static str {
    let service = push_core::BareJid::new(service).unwrap();
    config.settings.policy.profiles.of(&service).name
}

#[test]
fn push_services_have_the_profile_of_the_first_section_that_fits() {
    let text = with_services(
        r#"
        [[service]]
        jid = "a.example.net"
        profile = "fpush"
        [[service]]
        jid = "*.example.net"
        profile = "p2"
    "#,
    );
    let config = parse(&text).unwrap();
    let found = ["a.example.net", "b.example.net", "example.org"];
    let found = found.map(|service| profile_of(&config, service));
    assert_eq!(found, ["fpush", "p2", "xep-default"]);
}

#[test]
fn every_problem_of_a_service_is_told_with_its_number() {
    let services = r#"
        [[service]]
        jid = "a b@c"
        profile = "hunter2"
        [[service]]
        kind = "p2"
    "#;
    let found = problems(&with_services(services));
    let paths: Vec<_> = found.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "service.1.jid",
            "service.1.profile",
            "service.2.jid",
            "service.2.profile",
            "service.2.kind"
        ]
    );
    assert!(!format!("{found:?}").contains("a b@c") && !format!("{found:?}").contains("hunter2"));
    let single = problems(&with_services("[service]\njid = \"a.example\""));
    let reason = "must be written as [[service]], once for each";
    assert_eq!(single, [("service".to_owned(), reason.to_owned())]);
}

#[test]
fn a_share_has_no_more_than_a_hundred_percent() {
    let found = problems(&with_services("[status]\nsudden_percent = 101"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "status.sudden_percent");
}

#[test]
fn a_user_has_no_more_registrations_than_an_adapter_defers_a_message_for() {
    let with = |most: u64| with_services(&format!("[policy]\nregistrations_per_user = {most}"));
    assert!(parse(&with(50)).is_ok());
    let found = problems(&with(51));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "policy.registrations_per_user");
}
