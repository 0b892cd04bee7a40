//! Real servers and real clients for the live tests.
//!
//! | Module | What it starts |
//! |---|---|
//! | [`prosody`], [`ejabberd`] | a server from a typed configuration, of this machine or of a folder made by `scripts/test-servers` |
//! | [`puppet`] | client sessions, played by a library that nobody here wrote |
//! | [`service`] | the `xmpp-push` binary under test |
//! | [`program`] | commands of it that come to an end |
//! | [`push_service`] | a push service that remembers what it got and answers as it is told |
//! | [`newcomer`] | a client without a library, of which there can be thousands |
//! | [`stage`] | a slot with a service and a push service, ready for a test |
//! | [`handset`] | a client that acknowledges by hand |
//! | [`cast`] | the users and the service of a transcript of `tests/transcripts/once` |
//! | [`slot`] | the names a test may use on a server it shares with others |
//!
//! Starting a server takes seconds, so tests share one and each leases a [`slot::Slot`] of it. What any server needs, a
//! process and a connection that can be cut, is in [`crate::server`].

pub mod cast;
pub mod ejabberd;
pub mod handset;
pub mod newcomer;
pub mod program;
pub mod prosody;
pub mod puppet;
pub mod push_service;
pub mod resumption;
pub mod service;
pub mod slot;
pub mod stage;

use std::path::PathBuf;

pub(crate) use crate::server::Context;
pub use crate::server::{Failure, Result, home, ports, process, proxy, repository};

/// The folder of another Debian release to run the servers of, as `scripts/test-servers` sets it.
pub fn server_root() -> Option<PathBuf> {
    std::env::var_os("XMPP_PUSH_SERVER_ROOT").map(PathBuf::from)
}
