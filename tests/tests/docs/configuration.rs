//! `docs/configuration.md` and `xmpp-push.example.toml` name the same keys and the same defaults.

use crate::markdown::{code, rows};
use crate::repository::read;
use std::collections::BTreeMap;

/// Keys that the example shows with a value that is no default.
const EXAMPLES: [&str; 8] = [
    "component.jid",
    "component.server",
    "component.secret",
    "component.hosts",
    "store.url",
    "store.encryption.key_files",
    "service.jid",
    "service.profile",
];

/// (key, default) of the tables.
fn documented() -> BTreeMap<String, String> {
    let rows = rows(&read("docs/configuration.md"));
    let keys = rows.iter().filter_map(|row| {
        let key = code(&row[0])?;
        Some((key.to_owned(), row[1].clone()))
    });
    keys.collect()
}

/// (key, value) of the example, those commented out included.
fn example() -> BTreeMap<String, String> {
    let text = read("xmpp-push.example.toml");
    let mut section = "";
    let mut found = BTreeMap::new();
    for line in text.lines() {
        let line = line.strip_prefix("#= ").unwrap_or(line);
        if line.starts_with('[') {
            let name = line.trim_start_matches('[');
            section = name.split(']').next().unwrap_or_default();
        } else if let Some((key, value)) = line.split_once(" = ").filter(|_| !line.starts_with('#'))
        {
            let value = value.split(" #").next().unwrap_or_default().trim();
            found.insert(format!("{section}.{key}"), value.to_owned());
        }
    }
    found
}

/// The twin of a key that holds a secret names a file.
fn base(key: &str) -> &str {
    key.strip_suffix("_file").unwrap_or(key)
}

#[test]
fn every_key_of_the_example_is_documented_and_no_other() {
    let (documented, example) = (documented(), example());
    assert!(
        example.len() > 30,
        "the example was not understood: {example:?}"
    );
    let undocumented: Vec<_> = example
        .keys()
        .filter(|key| !documented.contains_key(*key))
        .collect();
    assert!(
        undocumented.is_empty(),
        "not in docs/configuration.md: {undocumented:?}"
    );
    let unknown: Vec<_> = documented
        .keys()
        .filter(|key| !example.contains_key(base(key)))
        .collect();
    assert!(
        unknown.is_empty(),
        "not in xmpp-push.example.toml: {unknown:?}"
    );
}

#[test]
fn the_defaults_are_the_same() {
    let documented = documented();
    for (key, value) in example() {
        if !EXAMPLES.contains(&key.as_str()) {
            assert_eq!(
                code(&documented[&key]),
                Some(value.as_str()),
                "default of {key}"
            );
        }
    }
}
