//! Programs from PyPI, each set of them in a virtual environment that `scripts/install` has filled.

use std::path::PathBuf;

use super::{Failure, Result};

/// A program of an environment: in the folder that `variable` names, else in the project's cache.
///
/// # Errors
/// It is not there.
pub fn program(variable: &str, environment: &str, name: &str) -> Result<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")));
    let default = || cache.map(|cache| cache.join("xmpp-push").join(environment));
    let program = folder(variable)
        .or_else(default)
        .unwrap_or_default()
        .join("bin")
        .join(name);
    if program.exists() {
        Ok(program)
    } else {
        Err(Failure::missing(program.display()))
    }
}
