//! Everything that is wrong with a configuration. No problem shows a value: any of them may be a secret.

use super::lines;
use std::fmt;

/// Problems, each with the place it was found at: a key, a file with a line, or a variable.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Problems(Vec<(String, String)>);

impl Problems {
    pub(super) fn one(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self(vec![(place.into(), reason.into())])
    }

    pub(super) fn add(&mut self, place: impl Into<String>, reason: impl Into<String>) {
        self.0.push((place.into(), reason.into()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the same, with the line at which a section begins that is known by its number alone.
    pub(super) fn with_lines(self, text: &str) -> Self {
        let located = |(place, reason): (String, String)| match line(&place, text) {
            Some(line) => (format!("{place} (line {line})"), reason),
            None => (place, reason),
        };
        Self(self.0.into_iter().map(located).collect())
    }

    /// Returns (place, reason) pairs.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(place, reason)| (place.as_str(), reason.as_str()))
    }
}

/// Returns the line of the numbered section in a path such as `push.rules.2.name`.
fn line(path: &str, text: &str) -> Option<usize> {
    let numbers = path.match_indices('.').filter_map(|(at, _)| {
        let number = path[at + 1..].split('.').next()?.parse().ok()?;
        Some((&path[..at], number))
    });
    let (section, number) = numbers.into_iter().next()?;
    lines::of_section(text, section, number)
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self
            .iter()
            .map(|(place, reason)| format!("  {place}: {reason}"))
            .collect();
        f.write_str(&lines.join("\n"))
    }
}
