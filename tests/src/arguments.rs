//! The command lines of benches.

use crate::server::{Failure, Result};
use std::fmt::Display;
use std::str::FromStr;

/// The number that an option is given.
///
/// # Errors
/// There is none, or it is no number.
pub fn number<T: FromStr<Err: Display>>(option: &str, value: &str) -> Result<T> {
    let number = value.parse();
    number.map_err(|error| Failure::new(format!("{option} {value:?}: {error}")))
}
