//! Rows that cannot be read.

use thiserror::Error;

/// The newest version of the document this program reads.
///
/// Written is the oldest that says all: 2 where options are sealed, so that no program from before takes such a row for
/// one without options; 1 otherwise.
pub const DOCUMENT_VERSION: u32 = 2;

/// A row that cannot be read, without its content.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowError {
    /// Written by a later version of this program.
    #[error("document of version {found}, this program reads up to {DOCUMENT_VERSION}")]
    Newer {
        /// The document's version.
        found: u32,
    },
    /// A column that does not hold what it should.
    #[error("unreadable {column}")]
    Column {
        /// Its name.
        column: &'static str,
    },
}
