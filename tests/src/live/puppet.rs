//! The user's clients, played by `tests/live/puppet.py` with a library that nobody here wrote.
//!
//! A [`Puppet`] is a process; the [`Session`]s in it are streams to a server. A client that must stop reading while
//! another goes on needs a puppet of its own: see [`Puppet::process`].

mod answer;
mod wire;

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

pub use answer::{ClientError, Connected, ReceivedMessage, StanzaError, Via};
use serde_json::{Value, json};

use super::process::Process;
use super::slot::PASSWORD;
use super::{Failure, Result, repository};
use wire::Wire;

/// How long a client waits for something, unless a call says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(15);

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
        let mut command = Command::new(python()?);
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

/// The interpreter that `scripts/install` put the library in.
fn python() -> Result<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")));
    let venv = folder("XMPP_PUSH_VENV").or_else(|| cache.map(|cache| cache.join("xmpp-push/venv")));
    let python = venv.unwrap_or_default().join("bin/python");
    if python.exists() {
        Ok(python)
    } else {
        Err(Failure::missing(python.display()))
    }
}

/// How a client logs in.
#[derive(Debug, Clone)]
pub struct Login<'a> {
    /// The bare JID.
    pub jid: &'a str,
    /// The resource; the server chooses one if there is none.
    pub resource: Option<&'a str>,
    /// The port of loopback: the server's, or a proxy's.
    pub port: u16,
    /// Whether the account is registered first (XEP-0077).
    pub register: bool,
    /// Whether stream management is used (XEP-0198).
    pub stream_management: bool,
    /// Whether the stream shall be resumable.
    pub resumable: bool,
}

impl<'a> Login<'a> {
    /// With stream management and resumption, as a mobile client.
    #[must_use]
    pub fn new(jid: &'a str, resource: &'a str, port: u16) -> Self {
        Self {
            jid,
            resource: Some(resource),
            port,
            register: false,
            stream_management: true,
            resumable: true,
        }
    }

    /// The same, with an account that does not exist yet.
    #[must_use]
    pub fn registering(jid: &'a str, resource: &'a str, port: u16) -> Self {
        Self {
            register: true,
            ..Self::new(jid, resource, port)
        }
    }
}

/// An `<enable/>` or `<disable/>` of XEP-0357; what is `None` is left out.
#[derive(Debug, Clone, Default)]
pub struct PushRequest<'a> {
    /// The push service's JID.
    pub service: Option<&'a str>,
    /// The node there.
    pub node: Option<&'a str>,
    /// The publish options, in order; an enable only.
    pub fields: Option<&'a [(&'a str, &'a str)]>,
    /// Whom the IQ is sent to; a client sends it to nobody or to its own bare JID.
    pub to: Option<&'a str>,
}

/// A message to send; see [`Session::message`].
#[derive(Debug, Clone, Default)]
pub struct Outgoing<'a> {
    /// The addressee.
    pub to: &'a str,
    /// The text, if it has one.
    pub body: Option<&'a str>,
    /// The type; `chat` if there is none.
    pub kind: Option<&'a str>,
    /// The id; the library draws one if there is none.
    pub id: Option<&'a str>,
    /// Further children, as XML.
    pub extra: &'a [&'a str],
}

/// One session of a user. Clones are the same session.
#[derive(Debug, Clone)]
pub struct Session {
    wire: Arc<Wire>,
    name: String,
}

impl Session {
    /// Connects and binds.
    ///
    /// # Errors
    /// As all methods here: the server refuses ([`ClientError::Stanza`], [`ClientError::Refused`]), nothing comes in
    /// time ([`ClientError::TimedOut`]), or the connection is lost meanwhile ([`ClientError::Disconnected`]).
    pub async fn connect(&self, login: &Login<'_>) -> Answer<Connected> {
        let arguments = json!({
            "jid": login.jid, "password": PASSWORD, "resource": login.resource, "port": login.port,
            "register": login.register, "sm": login.stream_management, "resume": login.resumable,
        });
        Ok(Connected::read(
            &self.call("connect", arguments, PATIENCE).await?,
        ))
    }

    /// Connects again after a lost connection and resumes the stream, or binds anew if the server forgot it.
    ///
    /// # Errors
    /// As [`Session::connect`].
    pub async fn resume(&self, port: u16) -> Answer<Connected> {
        Ok(Connected::read(
            &self
                .call("resume", json!({ "port": port }), PATIENCE)
                .await?,
        ))
    }

    /// Ends the stream in order.
    ///
    /// # Errors
    /// It is not connected.
    pub async fn close(&self) -> Answer<()> {
        self.tell("close", json!({})).await
    }

    /// Closes the socket without a word.
    ///
    /// # Errors
    /// It is not connected.
    pub async fn abort(&self) -> Answer<()> {
        self.tell("abort", json!({})).await
    }

    /// Waits until the connection is lost.
    ///
    /// # Errors
    /// It is not lost in time.
    pub async fn lost(&self) -> Answer<()> {
        self.call("lost", json!({}), PATIENCE).await.map(drop)
    }

    /// Removes the account (XEP-0077).
    ///
    /// # Errors
    /// As [`Session::connect`].
    pub async fn unregister(&self) -> Answer<()> {
        self.call("unregister", json!({}), PATIENCE).await.map(drop)
    }

    /// Becomes available with a priority.
    ///
    /// # Errors
    /// It is not connected.
    pub async fn available(&self, priority: i8) -> Answer<()> {
        self.tell("presence", json!({ "priority": priority })).await
    }

    /// Becomes unavailable and stays connected.
    ///
    /// # Errors
    /// It is not connected.
    pub async fn unavailable(&self) -> Answer<()> {
        self.tell("presence", json!({ "type": "unavailable" }))
            .await
    }

    /// Sends a message; returns the id it was sent under.
    ///
    /// # Errors
    /// It is not connected.
    pub async fn message(&self, message: &Outgoing<'_>) -> Answer<String> {
        let arguments = json!({
            "to": message.to, "body": message.body, "type": message.kind.unwrap_or("chat"), "id": message.id,
            "extra": message.extra,
        });
        let sent = self.call("message", arguments, Duration::ZERO).await?;
        Ok(answer::text(&sent, "id"))
    }

    /// Sends a chat message with a text; returns the id it was sent under.
    ///
    /// # Errors
    /// It is not connected.
    pub async fn chat(&self, to: &str, body: &str) -> Answer<String> {
        self.message(&Outgoing {
            to,
            body: Some(body),
            ..Outgoing::default()
        })
        .await
    }

    /// Sends a stanza, as XML, and waits for nothing.
    ///
    /// # Errors
    /// It is not connected, or this is not a stanza.
    pub async fn send(&self, xml: &str) -> Answer<()> {
        self.tell("send", json!({ "xml": xml })).await
    }

    /// Makes a request of type `get` or `set` with a payload, as XML; returns the payload of the result, as XML.
    ///
    /// # Errors
    /// As [`Session::connect`].
    pub async fn iq(
        &self,
        kind: &str,
        to: Option<&str>,
        payload: &str,
        patience: Duration,
    ) -> Answer<String> {
        let arguments = json!({ "type": kind, "to": to, "xml": payload });
        Ok(answer::text(
            &self.call("iq", arguments, patience).await?,
            "xml",
        ))
    }

    /// Enables push.
    ///
    /// # Errors
    /// As [`Session::connect`].
    pub async fn enable(&self, request: &PushRequest<'_>) -> Answer<()> {
        let PushRequest {
            service,
            node,
            fields,
            to,
        } = request;
        let arguments = json!({ "service": service, "node": node, "fields": fields, "to": to });
        self.call("enable", arguments, PATIENCE).await.map(drop)
    }

    /// Disables push.
    ///
    /// # Errors
    /// As [`Session::connect`].
    pub async fn disable(&self, request: &PushRequest<'_>) -> Answer<()> {
        let PushRequest {
            service, node, to, ..
        } = request;
        self.call(
            "disable",
            json!({ "service": service, "node": node, "to": to }),
            PATIENCE,
        )
        .await
        .map(drop)
    }

    /// The features of an entity, by default of the own account (XEP-0030).
    ///
    /// # Errors
    /// As [`Session::connect`].
    pub async fn features(&self, of: Option<&str>) -> Answer<Vec<String>> {
        let info = self.call("disco", json!({ "to": of }), PATIENCE).await?;
        Ok(answer::texts(&info, "features"))
    }

    /// Asks for the newest archived messages (XEP-0313); they come as [`ReceivedMessage`]s.
    ///
    /// # Errors
    /// As [`Session::connect`].
    pub async fn archive(&self) -> Answer<()> {
        self.call("mam", json!({}), PATIENCE).await.map(drop)
    }

    /// Enables carbons (XEP-0280).
    ///
    /// # Errors
    /// As [`Session::connect`].
    pub async fn carbons(&self) -> Answer<()> {
        self.call("carbons", json!({}), PATIENCE).await.map(drop)
    }

    /// Joins a room, which is created if there is none.
    ///
    /// # Errors
    /// As [`Session::connect`].
    pub async fn join(&self, room: &str, nick: &str) -> Answer<()> {
        self.call("join", json!({ "room": room, "nick": nick }), PATIENCE)
            .await
            .map(drop)
    }

    /// Waits for a message with this text, unless it has come already.
    ///
    /// # Errors
    /// None comes in time.
    pub async fn receives(&self, body: &str) -> Answer<ReceivedMessage> {
        Ok(ReceivedMessage::read(
            &self.call("wait", json!({ "body": body }), PATIENCE).await?,
        ))
    }

    /// All messages received so far, in order.
    ///
    /// # Errors
    /// The puppet is gone.
    pub async fn received(&self) -> Answer<Vec<ReceivedMessage>> {
        let all = self
            .call("received_messages", json!({}), Duration::ZERO)
            .await?;
        Ok(all["messages"]
            .as_array()
            .into_iter()
            .flatten()
            .map(ReceivedMessage::read)
            .collect())
    }

    /// A command that waits for nothing.
    async fn tell(&self, command: &str, arguments: Value) -> Answer<()> {
        self.call(command, arguments, Duration::ZERO)
            .await
            .map(drop)
    }

    /// A command of `puppet.py`; those that wait take the time they may wait for.
    async fn call(&self, command: &str, mut arguments: Value, patience: Duration) -> Answer<Value> {
        arguments["cmd"] = command.into();
        arguments["session"] = self.name.as_str().into();
        if !patience.is_zero() {
            arguments["timeout"] = patience.as_secs_f64().into();
        }
        answer::outcome(self.wire.ask(arguments, patience).await?)
    }
}
