//! `docs/errors.md` has every error a client or an operator can see, in the words of the code.

use crate::markdown::{code_spans, rows};
use crate::repository::{literals, read, sources};
use push_core::xep::error::StanzaError;
use push_core::xep::push::RequestError;

/// Texts of the code, quoted in the document.
fn quoted() -> Vec<String> {
    let spans = code_spans(&read("docs/errors.md"));
    let texts = spans
        .iter()
        .filter_map(|span| span.strip_prefix('"')?.strip_suffix('"'));
    texts.map(str::to_owned).collect()
}

fn assert_quoted(texts: &[String], of: &str) {
    assert!(!texts.is_empty(), "found no texts of {of}");
    let quoted = quoted();
    let missing: Vec<_> = texts.iter().filter(|text| !quoted.contains(text)).collect();
    assert!(
        missing.is_empty(),
        "texts of {of} that are not in docs/errors.md: {missing:#?}"
    );
}

/// The literals that follow `start` before `end`, at every place of a source.
fn literals_after(source: &str, start: &str, end: char) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let places = code.split(start).skip(1);
    let inside = places.map(|place| place.split(end).next().unwrap_or_default());
    inside.flat_map(literals).collect()
}

#[test]
fn every_text_for_a_client_is_documented() {
    let mut texts = literals_after(&read("push-core/src/xep/push.rs"), "#[error(", ')');
    texts.retain(|text| text != "{0}");
    for file in [
        "xep/push.rs",
        "machine/notifier/accounts/request.rs",
        "machine/inbound/mod.rs",
    ] {
        let source = read(format!("push-core/src/{file}"));
        texts.extend(literals_after(&source, "RequestError::Malformed(", ')'));
        texts.extend(literals_after(&source, "at_most(\n", ')'));
        texts.extend(literals_after(&source, "at_most(limits.", ')'));
    }
    assert!(
        texts.len() > 15,
        "the sources were not understood: {texts:#?}"
    );
    assert_quoted(&texts, "RequestError");
}

#[test]
fn every_condition_for_a_client_is_documented_with_its_text() {
    let errors = [
        RequestError::Malformed("enable needs a node"),
        RequestError::NotOwner,
        RequestError::NotSet,
        RequestError::TooLarge {
            what: "the node",
            limit: 1,
        },
        RequestError::Unavailable,
        RequestError::Refused,
        RequestError::Busy,
    ];
    let table = table();
    for error in errors {
        let text = error.to_string().replace(
            "the node is over the limit of 1",
            "{what} is over the limit of {limit}",
        );
        let sent = StanzaError::from(&error);
        let expected = format!("`{}` / `{}`", sent.kind.as_str(), sent.condition.as_str());
        let row = table
            .iter()
            .find(|(_, cell)| *cell == format!("`\"{text}\"`"));
        assert_eq!(
            row.map(|(condition, _)| condition),
            Some(&expected),
            "{text}"
        );
    }
}

/// (type and condition, text) of the rows; an empty first cell repeats the one above.
fn table() -> Vec<(String, String)> {
    let mut condition = String::new();
    let rows = rows(&read("docs/errors.md"));
    rows.into_iter()
        .map(|row| {
            if !row[0].is_empty() {
                condition.clone_from(&row[0]);
            }
            (condition.clone(), row.get(1).cloned().unwrap_or_default())
        })
        .collect()
}

#[test]
fn every_text_for_an_operator_is_documented() {
    for file in [
        "push-core/src/transport.rs",
        "push-core/src/store/mod.rs",
        "push-cli/src/exit.rs",
    ] {
        assert_quoted(&literals_after(&read(file), "#[error(", ')'), file);
    }
}

#[test]
fn every_text_quoted_is_one_of_the_code() {
    let sources = sources();
    let invented: Vec<_> = quoted()
        .into_iter()
        .filter(|text| !sources.contains(&format!("\"{text}\"")))
        .collect();
    assert!(invented.is_empty(), "no text of the code: {invented:#?}");
}
