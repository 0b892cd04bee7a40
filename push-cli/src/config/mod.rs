//! The configuration file, docs/configuration.md.

mod encryption;
mod reader;
mod sections;
mod store;

pub(crate) use reader::Problems;
pub(crate) use sections::{Config, LogFormat, LogSettings};
pub(crate) use store::StoreSettings;

use reader::{Environment, Reader};
use std::path::Path;

impl Config {
    /// Reads a file, with overrides from the process's environment.
    pub(crate) fn load(file: &Path) -> Result<Self, Problems> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            Problems::one(
                file.display().to_string(),
                format!("cannot be read: {error}"),
            )
        })?;
        let folder = file.parent().unwrap_or(Path::new("."));
        Self::parse(&text, folder, Environment::of_process())
    }

    /// Reads a configuration; relative paths in it start at `folder`. Every problem is told at once.
    pub(crate) fn parse(
        text: &str,
        folder: &Path,
        environment: Environment,
    ) -> Result<Self, Problems> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            Problems::one("the file".to_owned(), error.to_string())
        })?;
        let mut reader = Reader::new(table, environment, folder);
        let config = sections::read(&mut reader);
        reader.finish(config)
    }
}

#[cfg(test)]
mod tests;
