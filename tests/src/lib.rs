//! What the suites in `tests/` share.
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on panics"
)]

pub mod live;
pub mod store;
pub mod world;
