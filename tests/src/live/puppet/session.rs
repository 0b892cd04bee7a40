//! What one client does.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::Answer;
use super::answer::{self, Connected, ReceivedMessage};
use super::request::{Login, Outgoing, PushRequest};
use super::wire::Wire;
use crate::live::slot::PASSWORD;

/// How long a client waits for something, unless a call says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// One session of a user. Clones are the same session.
#[derive(Debug, Clone)]
pub struct Session {
    pub(super) wire: Arc<Wire>,
    pub(super) name: String,
}

impl Session {
    /// Connects and binds.
    ///
    /// # Errors
    /// As all methods here: a [`ClientError`](super::ClientError) that tells whether the server refused, nothing came
    /// in time, or the connection was lost meanwhile.
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

    /// Becomes available with a priority, and sees to it that the server has taken note.
    ///
    /// # Errors
    /// As [`Session::connect`].
    pub async fn available(&self, priority: i8) -> Answer<()> {
        self.tell("presence", json!({ "priority": priority }))
            .await?;
        self.features(None).await.map(drop)
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

    /// Sends a stanza or another element, as XML, and waits for nothing.
    ///
    /// # Errors
    /// It is not connected, or this is not an element.
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
        self.push("enable", request).await
    }

    /// Disables push; options are not sent.
    ///
    /// # Errors
    /// As [`Session::connect`].
    pub async fn disable(&self, request: &PushRequest<'_>) -> Answer<()> {
        let request = PushRequest {
            fields: None,
            ..request.clone()
        };
        self.push("disable", &request).await
    }

    async fn push(&self, command: &str, request: &PushRequest<'_>) -> Answer<()> {
        let PushRequest {
            service,
            node,
            fields,
            to,
            patience,
        } = request;
        let mut arguments = json!({ "service": service, "node": node, "to": to });
        if let Some(fields) = fields {
            arguments["fields"] = json!(fields);
        }
        self.call(command, arguments, patience.unwrap_or(PATIENCE))
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
        self.receives_within(body, PATIENCE).await
    }

    /// The same, for as long as the caller says.
    ///
    /// # Errors
    /// None comes in time.
    pub async fn receives_within(&self, body: &str, patience: Duration) -> Answer<ReceivedMessage> {
        let message = self.call("wait", json!({ "body": body }), patience).await?;
        Ok(ReceivedMessage::read(&message))
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
