//! Reads a TOML table, collects every problem, and knows what was not asked for.

use super::environment::{Environment, LOG_FILTER};
use super::problems::Problems;
use super::unknown;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::{Table, Value};

/// A value where it came from: the environment knows only text.
enum Found {
    File(Value),
    Environment(String),
}

/// The whole configuration while it is read.
pub(super) struct Reader<'a> {
    table: Table,
    environment: Environment,
    folder: &'a Path,
    problems: Problems,
    /// Every key there is: those that were asked for.
    known: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(table: Table, environment: Environment, folder: &'a Path) -> Self {
        Self {
            table,
            environment,
            folder,
            problems: Problems::default(),
            known: BTreeSet::new(),
        }
    }

    /// Says that something is wrong at `path`. The reason must not show a value.
    pub(super) fn problem(&mut self, path: &str, reason: impl Into<String>) {
        self.problems.add(path, reason);
    }

    /// Reads a text and what `parse` makes of it; `expected` goes on after "must be".
    pub(super) fn parsed<T>(
        &mut self,
        path: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.string(path)?;
        self.checked(path, parse(&text), || format!("must be {expected}"))
    }

    /// Reads one of some words, each with what it stands for.
    pub(super) fn choice<T: Clone>(&mut self, path: &str, choices: &[(&str, T)]) -> Option<T> {
        let words: Vec<String> = choices
            .iter()
            .map(|(word, _)| format!("{word:?}"))
            .collect();
        self.parsed(path, &format!("one of {}", words.join(", ")), |text| {
            let chosen = choices.iter().find(|(word, _)| *word == text);
            chosen.map(|(_, value)| value.clone())
        })
    }

    pub(super) fn string(&mut self, path: &str) -> Option<String> {
        match self.take(path)? {
            Found::File(Value::String(text)) | Found::Environment(text) => Some(text),
            Found::File(other) => {
                let kind = kind(&other);
                self.problem(path, format!("must be text in quotes; it is {kind}"));
                None
            }
        }
    }

    pub(super) fn boolean(&mut self, path: &str) -> Option<bool> {
        let (value, hint) = match self.take(path)? {
            Found::File(value) => (value.as_bool(), unquote(&value)),
            Found::Environment(text) => (text.parse().ok(), ""),
        };
        self.checked(path, value, || format!("must be true or false{hint}"))
    }

    /// Reads a whole number of at least 1.
    pub(super) fn count(&mut self, path: &str) -> Option<usize> {
        let (value, hint) = match self.take(path)? {
            Found::File(value) => {
                let number = value.as_integer();
                (
                    number.and_then(|number| usize::try_from(number).ok()),
                    unquote(&value),
                )
            }
            Found::Environment(text) => (text.parse().ok(), ""),
        };
        let value = value.filter(|number| *number > 0);
        self.checked(path, value, || {
            format!("must be a whole number of at least 1{hint}")
        })
    }

    /// Reads a duration like `"30s"`, longer than nothing.
    pub(super) fn duration(&mut self, path: &str) -> Option<Duration> {
        let text = match self.take(path)? {
            Found::File(Value::String(text)) | Found::Environment(text) => Some(text),
            Found::File(_) => None,
        };
        let duration = text.and_then(|text| humantime::parse_duration(&text).ok());
        self.checked(path, duration.filter(|duration| !duration.is_zero()), || {
            "must be a duration with its unit, in quotes and longer than nothing, such as \"500ms\", \"1s\" or \"2h\""
                .to_owned()
        })
    }

    /// Reads a list of texts; in the environment they are separated by commas.
    pub(super) fn strings(&mut self, path: &str) -> Option<Vec<String>> {
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
        self.checked(path, list, || {
            "must be a list of texts in quotes, such as [\"one\", \"two\"]".to_owned()
        })
    }

    /// Reads a text that is given itself or by the name of a file that holds it (`path` with `_file`).
    pub(super) fn secret(&mut self, path: &str) -> Option<String> {
        let twin = format!("{path}_file");
        match (self.string(path), self.string(&twin)) {
            (Some(_), Some(_)) => {
                self.problem(path, format!("give this or {twin}, not both"));
                None
            }
            (None, Some(file)) => match std::fs::read_to_string(self.beside(&file)) {
                Ok(text) => Some(text.trim_end_matches(['\r', '\n']).to_owned()),
                Err(error) => {
                    // Without its name: it may be the secret itself, in the wrong place.
                    self.problem(&twin, format!("the file it names cannot be read: {error}"));
                    None
                }
            },
            (direct, None) => direct,
        }
    }

    /// Reads the variable that takes the place of the log level, as `parse` understands it.
    pub(super) fn log_filter<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = self.environment.log_filter()?.ok();
        if text.as_deref() == Some("") {
            return None;
        }
        self.checked(LOG_FILTER, text.and_then(|text| parse(&text)), || {
            "must be a level such as \"debug\", or several such as \"info,push_driver=debug\""
                .to_owned()
        })
    }

    /// Says so when a value that must be there is not.
    pub(super) fn required<T>(&mut self, path: &str, value: Option<T>) -> Option<T> {
        // A value that is wrong has its problem already.
        let told = self
            .problems
            .iter()
            .any(|(known, _)| known.starts_with(path));
        if value.is_none() && !told {
            self.problem(path, "is missing");
        }
        value
    }

    /// Returns a path of the file system, starting at the configuration's folder.
    pub(super) fn beside(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Returns the configuration if there was no problem and nothing is left that nobody asked for.
    pub(super) fn finish<T>(mut self, config: Option<T>) -> Result<T, Problems> {
        for path in unknown::leftovers(&self.table) {
            let advice = unknown::advice(&path, &self.known);
            self.problems.add(path, advice);
        }
        for path in self.environment.left() {
            let advice = unknown::advice(path, &self.known);
            self.problems.add(Environment::name(path), advice);
        }
        match config {
            Some(config) if self.problems.is_empty() => Ok(config),
            _ => Err(self.problems),
        }
    }

    /// Returns the paths of the sections at `path`, `[[path]]`, of which there may be several. They are counted from 1.
    pub(super) fn sections(&mut self, path: &str) -> Vec<String> {
        let Some(place) = place(&mut self.table, path) else {
            return Vec::new();
        };
        let Value::Array(sections) = place else {
            return self.no_sections(path);
        };
        if !sections.iter().all(Value::is_table) {
            return self.no_sections(path);
        }
        let sections = std::mem::take(sections);
        let paths = (1..=sections.len()).map(|number| format!("{path}.{number}"));
        let paths = paths.collect();
        let numbers = (1..).map(|number: usize| number.to_string());
        *place = Value::Table(numbers.zip(sections).collect());
        paths
    }

    fn no_sections(&mut self, path: &str) -> Vec<String> {
        take(&mut self.table, path);
        // A list within a section that is numbered itself is written in one line.
        let is_within = path.split('.').any(|key| key.parse::<usize>().is_ok());
        let how = if is_within {
            "must be a list of tables, such as [{ type = \"chat\" }]".to_owned()
        } else {
            format!("must be written as [[{path}]], once for each")
        };
        self.problem(path, how);
        Vec::new()
    }

    fn checked<T>(
        &mut self,
        path: &str,
        value: Option<T>,
        reason: impl FnOnce() -> String,
    ) -> Option<T> {
        if value.is_none() {
            self.problem(path, reason());
        }
        value
    }

    /// Takes a value: from the environment, if it is there.
    fn take(&mut self, path: &str) -> Option<Found> {
        self.known.insert(path.to_owned());
        let in_file = take(&mut self.table, path);
        match self.environment.take(path) {
            Some(Ok(text)) => Some(Found::Environment(text)),
            Some(Err(_)) => {
                self.problem(path, format!("{} is not UTF-8", Environment::name(path)));
                None
            }
            None => in_file.map(Found::File),
        }
    }
}

/// Returns the value at a dotted path of a table.
fn place<'t>(table: &'t mut Table, path: &str) -> Option<&'t mut Value> {
    match path.split_once('.') {
        None => table.get_mut(path),
        Some((section, rest)) => place(table.get_mut(section)?.as_table_mut()?, rest),
    }
}

/// Takes the value at a dotted path out of a table.
fn take(table: &mut Table, path: &str) -> Option<Value> {
    match path.split_once('.') {
        None => table.remove(path),
        Some((section, rest)) => take(table.get_mut(section)?.as_table_mut()?, rest),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section",
    }
}

/// The commonest mistake where no text is wanted.
fn unquote(value: &Value) -> &'static str {
    if value.is_str() {
        ", without quotes"
    } else {
        ""
    }
}

/// Replaces a default by what the file gives.
pub(super) fn set<T>(value: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *value = given;
    }
}

#[cfg(test)]
mod tests;
