//! Paths that the documents name.

use crate::markdown::code_spans;
use crate::repository::{read, root};
use std::path::Path;

const DOCUMENTS: [&str; 6] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "docs/servers.md",
];

#[test]
fn every_path_named_exists() {
    let mut missing = Vec::new();
    for document in DOCUMENTS {
        let text = read(document);
        let blocks = text.split("```").skip(1).step_by(2);
        let spans = code_spans(&text);
        let words = spans.iter().map(String::as_str).chain(blocks);
        for word in words.flat_map(str::split_whitespace) {
            let path =
                word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '/');
            if is_path(path) && !root().join(path).exists() {
                missing.push(format!("{document}: {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "not there:\n{}", missing.join("\n"));
}

/// Whether a word is meant as a path of the repository: plain, and either below one of its folders or a document.
fn is_path(word: &str) -> bool {
    let plain = word
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '-' | '_'));
    let first = word.split('/').next().unwrap_or_default();
    let ending = Path::new(word).extension().unwrap_or_default();
    let below = word.contains('/') && (is_top_level(first) || ending == "rs");
    plain && (below || ending == "md")
}

fn is_top_level(name: &str) -> bool {
    let name = name.split_once('-').map_or(name, |(start, _)| start);
    ["push", "tests", "scripts", "docs", "adapters", ".ci"].contains(&name)
}

#[test]
fn what_is_a_path() {
    for path in [
        "push-core/src/x.rs",
        "scripts/demo",
        "docs/x.md",
        "README.md",
        "push-nothing/",
    ] {
        assert!(is_path(path), "{path}");
    }
    for other in [
        "HOST/xmpp-push",
        "modify/bad-request",
        "a/b",
        "http://jabber.org/protocol/pubsub",
        "xmpp-push",
    ] {
        assert!(!is_path(other), "{other}");
    }
}

#[test]
fn the_readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= 150, "README.md has {lines} lines");
}
