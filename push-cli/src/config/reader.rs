//! Reads a TOML table, collects every problem, and knows what was not asked for.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use toml::{Table, Value};

/// What environment variables that override the file begin with.
const PREFIX: &str = "XMPP_PUSH__";

/// What is wrong, each with its path.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Problems(Vec<(String, String)>);

impl Problems {
    pub(crate) fn one(path: String, reason: String) -> Self {
        Self(vec![(path, reason)])
    }

    /// (path, reason) pairs.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(path, reason)| (path.as_str(), reason.as_str()))
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self
            .iter()
            .map(|(path, reason)| format!("  {path}: {reason}"))
            .collect();
        f.write_str(&lines.join("\n"))
    }
}

/// Overrides: `XMPP_PUSH__SECTION__KEY`, by lower-case path with dots.
#[derive(Debug, Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    pub(crate) fn of_process() -> Self {
        let texts = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self::of(texts)
    }

    pub(crate) fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let path = |(name, value): (String, String)| {
            let rest = name.strip_prefix(PREFIX)?;
            Some((rest.to_lowercase().replace("__", "."), value))
        };
        Self(variables.into_iter().filter_map(path).collect())
    }
}

/// A value where it came from: the environment knows only text.
enum Found {
    File(Value),
    Environment(String),
}

/// The whole configuration while it is read.
pub(crate) struct Reader<'a> {
    table: Table,
    environment: Environment,
    folder: &'a Path,
    problems: Problems,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(table: Table, environment: Environment, folder: &'a Path) -> Self {
        Self {
            table,
            environment,
            folder,
            problems: Problems::default(),
        }
    }

    /// Says that something is wrong at `path`.
    pub(crate) fn problem(&mut self, path: &str, reason: impl Into<String>) {
        self.problems.0.push((path.to_owned(), reason.into()));
    }

    /// A value of a type with a text form.
    pub(crate) fn parsed<T>(&mut self, path: &str) -> Option<T>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let text = self.string(path)?;
        self.checked(
            path,
            text.parse().map_err(|error: T::Err| error.to_string()),
        )
    }

    pub(crate) fn string(&mut self, path: &str) -> Option<String> {
        match self.take(path)? {
            Found::File(Value::String(text)) | Found::Environment(text) => Some(text),
            Found::File(_) => self.checked(path, Err("must be a string".to_owned())),
        }
    }

    pub(crate) fn boolean(&mut self, path: &str) -> Option<bool> {
        let value = match self.take(path)? {
            Found::File(value) => value.as_bool(),
            Found::Environment(text) => text.parse().ok(),
        };
        self.checked(
            path,
            value.ok_or_else(|| "must be true or false".to_owned()),
        )
    }

    /// A whole number of at least 1.
    pub(crate) fn count(&mut self, path: &str) -> Option<usize> {
        let value = match self.take(path)? {
            Found::File(value) => value
                .as_integer()
                .and_then(|number| usize::try_from(number).ok()),
            Found::Environment(text) => text.parse().ok(),
        };
        let value = value.filter(|number| *number > 0);
        self.checked(
            path,
            value.ok_or_else(|| "must be a whole number of at least 1".to_owned()),
        )
    }

    /// A duration like `"30s"`, longer than nothing.
    pub(crate) fn duration(&mut self, path: &str) -> Option<Duration> {
        let text = self.string(path)?;
        let value = humantime::parse_duration(&text)
            .ok()
            .filter(|duration| !duration.is_zero());
        self.checked(
            path,
            value.ok_or_else(|| "must be a duration like \"30s\" or \"2h\"".to_owned()),
        )
    }

    /// A list of strings; in the environment separated by commas.
    pub(crate) fn strings(&mut self, path: &str) -> Option<Vec<String>> {
        let list = match self.take(path)? {
            Found::Environment(text) => {
                Some(text.split(',').map(|word| word.trim().to_owned()).collect())
            }
            Found::File(Value::Array(values)) => values
                .into_iter()
                .map(|value| value.as_str().map(str::to_owned))
                .collect(),
            Found::File(_) => None,
        };
        self.checked(
            path,
            list.ok_or_else(|| "must be a list of strings".to_owned()),
        )
    }

    /// A text that may be given itself or by the name of a file that holds it (`path` with `_file`).
    pub(crate) fn secret(&mut self, path: &str) -> Option<String> {
        let twin = format!("{path}_file");
        let (direct, file) = (self.string(path), self.string(&twin));
        match (direct, file) {
            (Some(_), Some(_)) => self.checked(path, Err(format!("give this or {twin}, not both"))),
            (None, Some(file)) => {
                let file = self.beside(&file);
                let text = std::fs::read_to_string(&file);
                let text = text.map(|text| text.trim_end_matches(['\r', '\n']).to_owned());
                self.checked(
                    &twin,
                    text.map_err(|error| format!("{} cannot be read: {error}", file.display())),
                )
            }
            (direct, None) => direct,
        }
    }

    /// A value that must be there.
    pub(crate) fn required<T>(&mut self, path: &str, value: Option<T>) -> Option<T> {
        // What is there and wrong has its problem already.
        let told = self
            .problems
            .iter()
            .any(|(known, _)| known.starts_with(path));
        if value.is_none() && !told {
            self.problem(path, "is missing");
        }
        value
    }

    /// A path of the file system, starting at the configuration's folder.
    pub(crate) fn beside(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// The configuration, if there was no problem and nothing is left that nobody asked for.
    pub(crate) fn finish<T>(mut self, config: Option<T>) -> Result<T, Problems> {
        let mut unknown = Vec::new();
        leftovers(&self.table, "", &mut unknown);
        unknown.extend(
            self.environment
                .0
                .keys()
                .map(|path| (path.clone(), PREFIX))
                .map(|(path, prefix)| {
                    format!("{prefix}{}", path.to_uppercase().replace('.', "__"))
                }),
        );
        unknown
            .iter()
            .for_each(|path| self.problem(path, "is not known"));
        match config {
            Some(config) if self.problems.0.is_empty() => Ok(config),
            _ => Err(self.problems),
        }
    }

    fn checked<T>(&mut self, path: &str, value: Result<T, String>) -> Option<T> {
        value.map_err(|reason| self.problem(path, reason)).ok()
    }

    fn take(&mut self, path: &str) -> Option<Found> {
        let in_file = take(&mut self.table, path);
        let in_environment = self.environment.0.remove(path);
        in_environment
            .map(Found::Environment)
            .or(in_file.map(Found::File))
    }
}

/// Takes the value at a dotted path out of a table.
fn take(table: &mut Table, path: &str) -> Option<Value> {
    match path.split_once('.') {
        None => table.remove(path),
        Some((section, rest)) => take(table.get_mut(section)?.as_table_mut()?, rest),
    }
}

/// The paths of all values that are left; an empty section is none.
fn leftovers(table: &Table, prefix: &str, unknown: &mut Vec<String>) {
    for (key, value) in table {
        let path = format!("{prefix}{key}");
        match value {
            Value::Table(inner) => leftovers(inner, &format!("{path}."), unknown),
            _ => unknown.push(path),
        }
    }
}
