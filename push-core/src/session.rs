//! What is known of a user's sessions when a message was missed.

/// One session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its resource.
    pub resource: String,
    /// Its priority; `None` while it has sent no (or unavailable) presence.
    pub priority: Option<i8>,
    /// Waits for resumption (XEP-0198): there is no connection.
    pub hibernated: bool,
    /// What the client said of itself (XEP-0352).
    pub client_state: Option<ClientState>,
    /// Push was enabled in it.
    pub enabled: bool,
}

/// XEP-0352.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientState {
    /// Somebody looks at it.
    Active,
    /// Nobody does.
    Inactive,
}

impl Session {
    /// Whether there is a connection.
    pub fn is_live(&self) -> bool {
        !self.hibernated
    }

    /// Whether messages to the bare JID reach it now (RFC 6121 §8.5.2).
    pub fn takes_messages(&self) -> bool {
        self.is_live() && self.priority.is_some_and(|priority| priority >= 0)
    }
}

/// Why a message was missed: the kinds of docs/protocol.md §3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// No session took it; the server kept it.
    Offline,
    /// It went to a session that waits for resumption.
    Queued,
    /// It was sent, and the connection was lost before it was acknowledged.
    Unacked,
    /// The session it was sent on has ended without acknowledging it.
    Lost,
    /// It was archived while the user is online elsewhere.
    Archived,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 5] = [
        Self::Offline,
        Self::Queued,
        Self::Unacked,
        Self::Lost,
        Self::Archived,
    ];

    /// The word of the link.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Queued => "queued",
            Self::Unacked => "unacked",
            Self::Lost => "lost",
            Self::Archived => "archived",
        }
    }

    /// The cause of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == name)
    }
}
