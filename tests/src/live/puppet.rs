//! The user's clients, played by `tests/live/puppet.py` with a library that nobody here wrote.
//!
//! A [`Puppet`] is a process; the [`Session`]s in it are streams to a server. A client that must stop reading while
//! another goes on needs a puppet of its own: see [`Puppet::process`].

mod answer;
mod request;
mod session;
mod wire;

use std::process::Command;
use std::sync::Arc;

pub use answer::{ClientError, Connected, ReceivedMessage, StanzaError, Via};
pub use request::{Login, Outgoing, PushRequest};
pub use session::{PATIENCE, Session};

use super::process::Process;
use super::{Result, repository};
use crate::server::venv;
use wire::Wire;

/// What a client's request comes to.
pub type Answer<T> = std::result::Result<T, ClientError>;

/// A process that plays clients. Dropping it kills it: its connections are then cut, not closed.
#[derive(Debug)]
pub struct Puppet {
    wire: Arc<Wire>,
}

impl Puppet {
    /// Starts one, in the runtime of the caller.
    ///
    /// # Errors
    /// The client library is not installed.
    pub fn start() -> Result<Self> {
        let mut command = Command::new(venv::program("XMPP_PUSH_VENV", "venv", "python")?);
        command.arg(repository().join("tests/live/puppet.py"));
        Ok(Self {
            wire: Arc::new(Wire::open(&command)?),
        })
    }

    /// A session in this process, by any name.
    #[must_use]
    pub fn session(&self, name: &str) -> Session {
        Session {
            wire: Arc::clone(&self.wire),
            name: name.to_owned(),
        }
    }

    /// The process, to stop it and let it go on. A stopped one acknowledges nothing: what the server sends stays
    /// unacknowledged. To make the server see a lost connection as well, cut a proxy in between.
    #[must_use]
    pub fn process(&self) -> &Process {
        self.wire.process()
    }
}
