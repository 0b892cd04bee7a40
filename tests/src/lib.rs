//! What the suites in `tests/` share.
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on panics"
)]

pub mod arguments;
pub mod database;
pub mod live;
pub mod once;
pub mod played;
pub mod server;
pub mod store;
pub mod world;

/// The examples of the README, compiled by `cargo test --doc`.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
