//! Overrides of the file by the environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

/// The beginning of the names of variables that override the file.
const PREFIX: &str = "XMPP_PUSH__";
/// The variable that takes the place of `log.level`.
pub(super) const LOG_FILTER: &str = "RUST_LOG";

/// The variables that concern this program.
#[derive(Default)]
pub(crate) struct Environment {
    /// `XMPP_PUSH__SECTION__KEY` by its dotted path, lower case.
    overrides: BTreeMap<String, OsString>,
    log_filter: Option<OsString>,
}

impl Environment {
    pub(super) fn of_process() -> Self {
        Self::of(std::env::vars_os())
    }

    pub(super) fn of<T: Into<OsString>>(variables: impl IntoIterator<Item = (T, T)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in variables {
            let Ok(name) = name.into().into_string() else {
                continue;
            };
            if name == LOG_FILTER {
                environment.log_filter = Some(value.into());
            } else if let Some(rest) = name.strip_prefix(PREFIX) {
                let path = rest.to_lowercase().replace("__", ".");
                environment.overrides.insert(path, value.into());
            }
        }
        environment
    }

    /// Takes the override of a key. The error is a value that is not text.
    pub(super) fn take(&mut self, path: &str) -> Option<Result<String, OsString>> {
        self.overrides.remove(path).map(OsString::into_string)
    }

    /// Takes the log filter. The error is a value that is not text.
    pub(super) fn log_filter(&mut self) -> Option<Result<String, OsString>> {
        self.log_filter.take().map(OsString::into_string)
    }

    /// Returns the dotted paths that nobody took.
    pub(super) fn left(&self) -> impl Iterator<Item = &str> {
        self.overrides.keys().map(String::as_str)
    }

    /// Returns the name of the variable that overrides a key.
    pub(super) fn name(path: &str) -> String {
        format!("{PREFIX}{}", path.to_uppercase().replace('.', "__"))
    }
}

/// Shows no value: overrides may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.overrides.keys()).finish()
    }
}
