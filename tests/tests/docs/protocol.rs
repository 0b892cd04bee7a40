//! `docs/protocol.md` and `push-core/src/link` speak of the same elements and attributes.

use crate::markdown::{code_spans, rows};
use crate::repository::{files, literals, read};
use std::collections::BTreeSet;

/// Elements of other namespaces in the examples.
const FOREIGN: [&str; 7] = [
    "message",
    "iq",
    "body",
    "enable",
    "disable",
    "pubsub",
    "publish-options",
];

/// What the service has no use for: it takes whatever kinds of events come.
const UNREAD: [&str; 1] = ["can"];

/// The elements of the link with their attributes, as the code spans show them.
fn documented() -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut elements, mut attributes) = (BTreeSet::new(), BTreeSet::new());
    for span in code_spans(&read("docs/protocol.md")) {
        for tag in span.split('<').skip(1).filter(|tag| !tag.starts_with('/')) {
            let tag = tag
                .split('>')
                .next()
                .unwrap_or_default()
                .trim_end_matches('/');
            let mut words = tag.split_whitespace();
            let name = words.next().unwrap_or_default();
            if FOREIGN.contains(&name) || UNREAD.contains(&name) {
                continue;
            }
            elements.insert(name.to_owned());
            let names = words.filter_map(|word| word.split_once('='));
            attributes.extend(names.map(|(name, _)| name.to_owned()));
        }
    }
    attributes.extend(attributes_of_tables());
    (elements, attributes)
}

/// The first cells of the tables that explain attributes.
fn attributes_of_tables() -> Vec<String> {
    let text = read("docs/protocol.md");
    let tables = text.split("| Attribute | Meaning |").skip(1);
    let tables = tables.map(|table| table.split("\n\n").next().unwrap_or_default());
    let cells = tables.flat_map(rows).map(|row| row[0].clone());
    let names = cells.flat_map(|cell| code_spans(&cell));
    names.filter(|name| !name.starts_with('<')).collect()
}

#[test]
fn every_element_and_attribute_is_one_of_the_code() {
    let code: BTreeSet<String> = files("push-core/src/link", "rs")
        .iter()
        .flat_map(|file| literals(&read(file)))
        .collect();
    let (elements, attributes) = documented();
    assert!(
        elements.len() > 15 && attributes.len() > 20,
        "not understood: {elements:?} {attributes:?}"
    );
    let unknown: Vec<_> = elements
        .union(&attributes)
        .filter(|name| !code.contains(*name))
        .collect();
    assert!(unknown.is_empty(), "not in push-core/src/link: {unknown:?}");
}

#[test]
fn every_kind_of_event_is_documented() {
    let spans = code_spans(&read("docs/protocol.md"));
    for cause in push_core::session::Cause::ALL {
        assert!(spans.iter().any(|span| span == cause.as_str()), "{cause:?}");
    }
}
