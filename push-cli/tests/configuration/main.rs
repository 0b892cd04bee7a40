//! A configuration that cannot be used, with every command that reads one.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod secrecy;
