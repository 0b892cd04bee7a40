//! Plugins decide which missed messages are worth a notification, what it says and who gets it (MongooseIM's
//! `plugin_module`).

mod default;
mod mongooseim;
mod situation;

pub use default::{Content, DefaultPlugin};
pub use mongooseim::MongooseImPlugin;
pub use situation::Situation;

use crate::Timestamp;
use crate::delivery::Notification;
use crate::registration::Registration;
use crate::session::{Cause, Session};
use crate::xep::message::{Message, MessageType};
use crate::xep::push::Summary;
use jid::BareJid;
use std::borrow::Cow;
use std::fmt;

/// Decides about missed messages. Pure and synchronous; each callback has the behaviour of the `default` plugin behind it.
///
/// When a message was missed, [`should_publish`](Self::should_publish) is asked, and only if it says yes
/// [`prepare_notification`](Self::prepare_notification). The account is looked up then, and
/// [`publish_notification`](Self::publish_notification) is asked for each of its registrations.
pub trait Plugin: fmt::Debug + Send + Sync {
    /// Returns the name the configuration knows it by.
    fn name(&self) -> &str;

    /// Returns what the plugin needs the adapters to tell.
    fn wants(&self) -> Wants {
        Wants::default()
    }

    /// Decides whether a missed message is worth a notification.
    fn should_publish(&self, missed: &Missed<'_>) -> Verdict {
        if missed.message.is_none_or(is_conversation) {
            Verdict::publish("conversation")
        } else {
            Verdict::skip("no conversation")
        }
    }

    /// Returns the notification about a message that is worth one.
    fn prepare_notification(&self, missed: &Missed<'_>) -> Notification {
        Notification::new(Summary {
            message_count: Some(missed.count),
            ..Summary::default()
        })
    }

    /// Decides whether one of the user's registrations is told, and of what.
    ///
    /// By default a message missed by a hibernated session goes to the registrations of its resource, or, when it has
    /// none, to those without a live session; every other message goes to the registrations without a live session.
    fn publish_notification(
        &self,
        situation: &Situation<'_>,
        notification: &Notification,
        registration: &Registration,
    ) -> Choice {
        let _ = notification;
        situation.choose(registration)
    }
}

/// A chat, groupchat or normal message with a body or an encrypted payload.
fn is_conversation(message: Message<'_>) -> bool {
    let kind = matches!(
        message.kind,
        MessageType::Chat | MessageType::Groupchat | MessageType::Normal
    );
    kind && (message.is_encrypted() || message.body().is_some())
}

/// Messages a plugin wants to be asked about beside those with a body or an encrypted payload (docs/protocol.md §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wants {
    /// Those that belong to a call (XEP-0353).
    pub calls: bool,
    /// All of them.
    pub any: bool,
}

/// A missed message, before anything is known of the account.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Missed<'a> {
    /// The domain of the user's server.
    pub host: &'a str,
    /// Who missed it.
    pub owner: &'a BareJid,
    /// Why it was missed.
    pub cause: Cause,
    /// The resource of the session that missed it.
    pub resource: Option<&'a str>,
    /// The user's sessions.
    pub sessions: &'a [Session],
    /// The message without its wrappers; `None` when the adapter had to drop its content.
    pub message: Option<Message<'a>>,
    /// How many messages this one stands for.
    pub count: u64,
    /// When the first of them was missed.
    pub missed_at: Timestamp,
    /// The time.
    pub now: Timestamp,
}

impl<'a> Missed<'a> {
    /// Returns one message that `owner` has missed at `now`, about which nothing else is known.
    pub const fn new(owner: &'a BareJid, cause: Cause, now: Timestamp) -> Self {
        Self {
            host: "",
            owner,
            cause,
            resource: None,
            sessions: &[],
            message: None,
            count: 1,
            missed_at: now,
            now,
        }
    }
}

/// Whether a message is worth a notification, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    publish: bool,
    reason: Reason,
}

impl Verdict {
    /// It is, for this reason.
    pub fn publish(reason: impl Into<Reason>) -> Self {
        Self {
            publish: true,
            reason: reason.into(),
        }
    }

    /// It is not, for this reason.
    pub fn skip(reason: impl Into<Reason>) -> Self {
        Self {
            publish: false,
            reason: reason.into(),
        }
    }

    /// Returns whether the message is worth a notification.
    pub const fn is_publish(&self) -> bool {
        self.publish
    }

    /// Returns why.
    pub const fn reason(&self) -> &Reason {
        &self.reason
    }
}

/// The decision about one registration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Choice {
    /// The notification as it was prepared.
    Publish,
    /// Another one.
    PublishInstead(Box<Notification>),
    /// Nothing, for this reason.
    Skip(Reason),
}

impl Choice {
    /// Tells nothing, for this reason.
    pub fn skip(reason: impl Into<Reason>) -> Self {
        Self::Skip(reason.into())
    }
}

/// Why something was decided: the name of a rule or a few words. It must hold nothing of the message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reason(Cow<'static, str>);

impl Reason {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Reason {
    fn from(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<String> for Reason {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
