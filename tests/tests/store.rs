//! The store suite: every sentence of the contract, on every backend.
//!
//! `store/suite.rs` is written once and included by each backend, which gives it `fresh()`. A test's name tells both:
//! `sqlite::suite::remove::a_stale_revision_removes_nothing`.
#![expect(
    clippy::unwrap_used,
    clippy::duplicate_mod,
    reason = "a test that cannot go on panics; the suite is included once for each backend"
)]

#[cfg(all(feature = "postgres", feature = "mongo"))]
#[path = "store/bench.rs"]
mod bench;
#[path = "store/memory.rs"]
mod memory;
#[cfg(feature = "mongo")]
#[path = "store/mongo/mod.rs"]
mod mongo;
#[cfg(feature = "postgres")]
#[path = "store/postgres/mod.rs"]
mod postgres;
#[path = "store/sealed.rs"]
mod sealed;
#[path = "store/sqlite/mod.rs"]
mod sqlite;
