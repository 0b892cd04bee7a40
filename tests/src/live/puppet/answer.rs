//! What `puppet.py` answers, as types.

use std::fmt;

use serde_json::Value;

use super::Answer;
use crate::live::Failure;

/// An error stanza (RFC 6120, section 8.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StanzaError {
    /// `auth`, `cancel`, `continue`, `modify` or `wait`.
    pub kind: String,
    /// The defined condition.
    pub condition: String,
    /// The text, empty if there was none.
    pub text: String,
}

/// Why a client did not get what it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientError {
    /// An error stanza was the answer.
    Stanza(StanzaError),
    /// Nothing came in time.
    TimedOut,
    /// There is no connection, or it was lost meanwhile.
    Disconnected(String),
    /// The server does not let this user in.
    Refused(String),
    /// The puppet cannot do this, or is gone.
    Puppet(String),
}

impl ClientError {
    /// The type and the condition, if it is an error stanza: `("cancel", "not-allowed")`.
    #[must_use]
    pub fn stanza(&self) -> Option<(&str, &str)> {
        match self {
            Self::Stanza(error) => Some((&error.kind, &error.condition)),
            _ => None,
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stanza(StanzaError {
                kind,
                condition,
                text,
            }) => write!(f, "{kind}/{condition} {text:?}"),
            Self::TimedOut => f.write_str("nothing came in time"),
            Self::Disconnected(why) => write!(f, "not connected: {why}"),
            Self::Refused(why) => write!(f, "not let in: {why}"),
            Self::Puppet(why) => write!(f, "puppet: {why}"),
        }
    }
}

impl std::error::Error for ClientError {}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::new(error.to_string())
    }
}

/// How a connection came up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected {
    /// The full JID.
    pub jid: String,
    /// Whether an earlier stream goes on.
    pub resumed: bool,
    /// Whether stream management is on.
    pub stream_management: bool,
}

impl Connected {
    pub(super) fn read(value: &Value) -> Self {
        Self {
            jid: text(value, "jid"),
            resumed: value["resumed"] == true,
            stream_management: value["sm"] == true,
        }
    }
}

/// How a message came to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// It was sent to this client.
    Direct,
    /// It is a copy for this client (XEP-0280).
    Carbon,
    /// It was asked for from the archive (XEP-0313).
    Archive,
}

/// A message that a client received. A copy tells of the message in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedMessage {
    /// How it came.
    pub via: Via,
    /// The sender.
    pub from: String,
    /// The type.
    pub kind: String,
    /// The id, empty if there was none.
    pub id: String,
    /// The text, if there was one.
    pub body: Option<String>,
    /// All of it, with what it was wrapped in.
    pub xml: String,
}

impl ReceivedMessage {
    pub(super) fn read(value: &Value) -> Self {
        let via = match value["via"].as_str() {
            Some("carbon") => Via::Carbon,
            Some("archived") => Via::Archive,
            _ => Via::Direct,
        };
        let body = value["body"].as_str().map(str::to_owned);
        let [from, kind, id, xml] = ["from", "type", "id", "xml"].map(|name| text(value, name));
        Self {
            via,
            from,
            kind,
            id,
            body,
            xml,
        }
    }
}

/// What an answer of `puppet.py` means.
pub(super) fn outcome(mut answer: Value) -> Answer<Value> {
    if let Some(value) = answer.get_mut("ok") {
        return Ok(value.take());
    }
    let error = &answer["err"];
    let explanation = text(error, "text");
    Err(match error["kind"].as_str() {
        Some("stanza") => ClientError::Stanza(StanzaError {
            kind: text(error, "type"),
            condition: text(error, "condition"),
            text: explanation,
        }),
        Some("timeout") => ClientError::TimedOut,
        Some("disconnected") => ClientError::Disconnected(explanation),
        Some("refused") => ClientError::Refused(explanation),
        _ => ClientError::Puppet(explanation),
    })
}

/// A member that is a text; empty if it is not.
pub(super) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// A member that is a list of texts.
pub(super) fn texts(value: &Value, name: &str) -> Vec<String> {
    value[name]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|text| Some(text.as_str()?.to_owned()))
        .collect()
}
