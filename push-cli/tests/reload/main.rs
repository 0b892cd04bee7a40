//! SIGHUP, with the program itself and a server that only listens.
#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod follow;
mod program;
mod server;
mod waiting;
