//! What a stream can be told.

use push_core::BareJid;
use std::fmt;
use std::time::Duration;

/// Settings of a [`Stream`](crate::Stream).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StreamConfig {
    /// The component's own JID: a domain, as the server's configuration names it.
    pub component: BareJid,
    /// The server's XEP-0114 listener, `host:port`; an IPv6 address in brackets.
    pub server: String,
    /// The secret shared with the server.
    pub secret: Secret,
    /// What is accepted from the server.
    pub limits: Limits,
    /// When to connect again.
    pub backoff: BackoffConfig,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// Bytes that may wait to be written; beyond them the stream is full
    /// ([`Transport::is_full`](push_core::transport::Transport::is_full)). Default: 32 MiB.
    pub max_outgoing: usize,
    /// Bytes that are read while the stream is full; beyond them nothing is. Default: 64 MiB, so that a server whose memory
    /// a paused reader would fill is read for as long as is reasonable.
    pub max_incoming: usize,
}

impl StreamConfig {
    /// The defaults, for a component of a server.
    pub fn new(component: BareJid, server: impl Into<String>, secret: impl Into<Secret>) -> Self {
        Self {
            component,
            server: server.into(),
            secret: secret.into(),
            limits: Limits::default(),
            backoff: BackoffConfig::default(),
            timeouts: Timeouts::default(),
            max_outgoing: 32 << 20,
            max_incoming: 64 << 20,
        }
    }
}

/// The secret of XEP-0114. Shown by nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret itself, for the handshake.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Secret {
    fn from(secret: T) -> Self {
        Self(secret.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What is accepted from the server. A stanza over a limit is skipped and the stream goes on: any
/// user may have written it.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest stanza, bytes, at most 1 GiB. Default: 1 MiB. A parsed stanza takes up to about ten
    /// times its length.
    pub max_stanza: usize,
    /// Elements within each other, the stanza included. Default: 256.
    pub max_depth: usize,
    /// Attributes of one element, and namespace declarations in force at one place. Default: 256.
    pub max_attributes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_stanza: 1 << 20,
            max_depth: 256,
            max_attributes: 256,
        }
    }
}

/// When to connect again: after a random part of a time that doubles with each failure ("full
/// jitter"), so that many components do not come back at once.
#[derive(Clone, Copy, Debug)]
pub struct BackoffConfig {
    /// The time after the first failure. Default: 0.5 s.
    pub first: Duration,
    /// The longest time. Default: 60 s.
    pub max: Duration,
    /// Added when the server refuses the name or secret: somebody has to change a configuration.
    /// Default: 30 s.
    pub refused: Duration,
    /// Added when another connection has the name. Default: 10 s.
    pub conflict: Duration,
    /// A stream that was up for so long starts again at `first`. Default: 30 s.
    pub stable_after: Duration,
}

impl Default for BackoffConfig {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            max: Duration::from_secs(60),
            refused: Duration::from_secs(30),
            conflict: Duration::from_secs(10),
            stable_after: Duration::from_secs(30),
        }
    }
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For a TCP connection to each of the server's addresses, and for its name to resolve.
    /// Default: 10 s.
    pub connect: Duration,
    /// For the whole handshake. Default: 10 s.
    pub handshake: Duration,
    /// For anything to be received, before the server is asked. Default: 30 s.
    pub keep_alive: Duration,
    /// For anything to be received, after it was asked. Default: 15 s.
    pub keep_alive_answer: Duration,
    /// For the server to read any of what waits to be written. Default: 60 s.
    pub write: Duration,
    /// For what is queued to be written and the peer to close, at the end. Default: 1 s.
    pub close: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            handshake: Duration::from_secs(10),
            keep_alive: Duration::from_secs(30),
            keep_alive_answer: Duration::from_secs(15),
            write: Duration::from_secs(60),
            close: Duration::from_secs(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_not_shown() {
        let component = BareJid::new("push.example.org").unwrap();
        let config = StreamConfig::new(component, "localhost:5347", "hunter2");
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
