//! The transport contract: a stream to a server, kept up by whoever implements it.

use crate::xml::{Stanza, WriteXml};
use async_trait::async_trait;
use thiserror::Error;

/// A stream of stanzas that reconnects for ever.
///
/// Everything it does it may do within [`Transport::next`]: whoever drives it waits there and nowhere else, and is back soon.
/// There the implementation reads its socket, and ends a connection whose peer reads nothing for long (with
/// [`DownReason::Stalled`]); one that reads slowly is no reason to end it.
///
/// Memory is bounded by both sides: an implementation hands over a portion at a time and nothing while it is full, and its
/// user sends nothing more while [`Transport::is_full`].
#[async_trait]
pub trait Transport: Send {
    /// Waits until something happens and appends it, in order; also returns, perhaps without anything, when there is room
    /// again. May be dropped and called again: nothing is lost.
    async fn next(&mut self, events: &mut Vec<StreamEvent>);

    /// Queues a stanza behind those queued before. While the stream is down it is thrown away.
    fn send(&mut self, stanza: &dyn WriteXml);

    /// Returns whether so much waits to be written that sending should stop until [`Transport::next`] has returned. What is sent
    /// all the same is not lost.
    fn is_full(&self) -> bool {
        false
    }

    /// Hands what was queued to the socket, as far as it takes it without waiting; called once per batch of stanzas.
    fn flush(&mut self);

    /// Ends the stream in order: what was queued is written, `</stream:stream>` exchanged.
    async fn close(&mut self);
}

/// What a stream tells.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamEvent {
    /// Connected and authenticated; what is sent from now on arrives unless `Down` follows.
    Up,
    /// Not (or no longer) connected. Comes once per failed attempt, too.
    Down(DownReason),
    /// A complete stanza.
    Stanza(Stanza),
    /// A stanza of so many bytes was over the limit and passed over; the stream goes on.
    Skipped(usize),
}

/// Why a stream is down.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum DownReason {
    /// Nobody listens there, or the name does not resolve.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The server refused the secret (or the component's name).
    #[error("the server refused this component's name or secret")]
    NotAuthorized,
    /// Another connection has this component's name (stream error `conflict`).
    #[error("another connection uses this component's name")]
    Conflict,
    /// The server ended the stream with this condition.
    #[error("the server ended the stream: {0}")]
    StreamError(String),
    /// The server sent what is not XMPP.
    #[error("the server sent malformed XML: {0}")]
    Malformed(String),
    /// The connection broke.
    #[error("connection lost: {0}")]
    Lost(String),
    /// Nothing came for too long.
    #[error("the server does not answer")]
    Silent,
    /// The peer reads nothing of what is written.
    #[error("the server does not read")]
    Stalled,
    /// Closed in order, by either side.
    #[error("closed")]
    Closed,
}
