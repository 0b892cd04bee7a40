//! `xmpp-push registrations`, with the program itself and SQLite.
#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod carry;
mod kit;
mod list;
mod memory;
mod refuse;
mod seal;
