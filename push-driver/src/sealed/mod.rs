//! Publish options sealed at rest, for every store.
//!
//! ```
//! use push_core::MemoryStore;
//! use push_driver::sealed::{Key, Keys, SealedStore};
//! use std::sync::Arc;
//!
//! # fn open(text: &str) -> Result<(), push_driver::sealed::KeyError> {
//! let keys = Keys::new(vec![Key::from_text(text)?]);
//! let store = SealedStore::new(Arc::new(MemoryStore::new()), keys);
//! # Ok(())
//! # }
//! ```
//!
//! A key is 32 random bytes, as base64 in one line: `openssl rand -base64 32`, or `head -c 32 /dev/urandom | base64`.
//! The first of several keys seals, all of them open: to change keys, put a new one first, and take the old one away when
//! nothing is sealed with it any more. A key is known by a name made from it, so neither files nor their order matter
//! for opening.
//!
//! Options that were stored before there was a key are read as they are; they are sealed when they are enabled
//! again. What cannot be opened (its key is not there, it is damaged, or was moved to another row) is left out,
//! counted and logged like every row that cannot be read. Therefore put a `SealedStore` without a key around a store that
//! has none: should there be sealed options in it, they are noticed.
//!
//! Not hidden are owner, service, node, status and times, and about how long the options are. Whoever can write to the
//! database can still put an older state of a row back, or a row of their own.

mod keys;
mod seal;
mod store;

pub use keys::{Key, KeyError, Keys};
pub use store::SealedStore;
