//! Keys that do not exist: what may have been meant.

use std::collections::BTreeSet;
use strsim::normalized_damerau_levenshtein;
use toml::{Table, Value};

/// How much of a key must be right for it to be taken for another, from 0 to 1.
const SIMILAR: f64 = 0.6;

/// Returns the paths of all values that are left in a table; an empty section is none.
pub(super) fn leftovers(table: &Table) -> Vec<String> {
    let mut unknown = Vec::new();
    collect(table, "", &mut unknown);
    unknown
}

fn collect(table: &Table, prefix: &str, unknown: &mut Vec<String>) {
    for (key, value) in table {
        let path = format!("{prefix}{}", shown(key));
        match value {
            Value::Table(inner) => collect(inner, &format!("{path}."), unknown),
            _ => unknown.push(path),
        }
    }
}

/// A key that has to be quoted may be a value in the wrong place.
fn shown(key: &str) -> &str {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(is_bare) {
        key
    } else {
        "(a quoted key)"
    }
}

/// Returns what to do about a path that is none of the known ones.
pub(super) fn advice(path: &str, known: &BTreeSet<String>) -> String {
    let (_, key) = split(path);
    if known.iter().any(|other| section_of(other, path)) {
        return match known.get(&format!("{path}.{key}")) {
            Some(_) => format!("is a section: {key} belongs under [{path}]"),
            None => format!("is a section: write its keys under [{path}]"),
        };
    }
    let elsewhere: Vec<String> = known
        .iter()
        .map(|other| split(other))
        .filter(|(_, other)| *other == key)
        .map(|(section, _)| format!("[{section}]"))
        .collect();
    if !elsewhere.is_empty() {
        return format!(
            "is not known here: {key} belongs under {}",
            elsewhere.join(" or ")
        );
    }
    match nearest(path, known) {
        Some(other) => format!("is not known: did you mean {other}?"),
        None => "is not known".to_owned(),
    }
}

/// Whether `path` is a section that `key` is in, however deep.
fn section_of(key: &str, path: &str) -> bool {
    key.strip_prefix(path)
        .is_some_and(|rest| rest.starts_with('.'))
}

/// Returns the known path whose key is most like this one's; of those alike, one of the same section.
fn nearest<'a>(path: &str, known: &'a BTreeSet<String>) -> Option<&'a String> {
    let (section, key) = split(path);
    let likeness = |other: &str| {
        let (other_section, other_key) = split(other);
        let keys = normalized_damerau_levenshtein(key, other_key);
        (keys, normalized_damerau_levenshtein(section, other_section))
    };
    known
        .iter()
        .map(|other| (likeness(other), other))
        .filter(|((keys, _), _)| *keys >= SIMILAR)
        .max_by(|(one, _), (other, _)| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)))
        .map(|(_, other)| other)
}

/// Splits a path into its section and its key.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('.').unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use super::{advice, leftovers};
    use std::collections::BTreeSet;

    fn advise(path: &str) -> String {
        let known = [
            "component.secret",
            "push.plugin",
            "push.workers.workers",
            "push.workers.call_timeout",
            "policy.publish_timeout",
            "store.pool.size",
            "log.level",
        ];
        let known: BTreeSet<String> = known.map(str::to_owned).into();
        advice(path, &known)
    }

    #[test]
    fn a_section_in_place_of_a_key_is_told() {
        assert_eq!(
            advise("push.workers"),
            "is a section: workers belongs under [push.workers]"
        );
        assert_eq!(
            advise("store.pool"),
            "is a section: write its keys under [store.pool]"
        );
    }

    #[test]
    fn a_key_of_another_section_is_told_where_it_belongs() {
        let belongs = "is not known here: call_timeout belongs under [push.workers]";
        assert_eq!(advise("push.call_timeout"), belongs);
        assert_eq!(
            advise("polcy.publish_timeout"),
            "is not known here: publish_timeout belongs under [policy]"
        );
    }

    #[test]
    fn a_misspelt_key_is_told_what_it_is_like() {
        assert_eq!(
            advise("component.secrt"),
            "is not known: did you mean component.secret?"
        );
        assert_eq!(
            advise("push.call_timout"),
            "is not known: did you mean push.workers.call_timeout?"
        );
        assert_eq!(advise("admin.listen"), "is not known");
    }

    #[test]
    fn a_key_that_may_be_a_value_is_not_shown() {
        let table = "[component]\n\"hunter 2\" = 1\nplain-key_1 = 2"
            .parse()
            .unwrap();
        assert_eq!(
            leftovers(&table),
            ["component.(a quoted key)", "component.plain-key_1"]
        );
    }
}
