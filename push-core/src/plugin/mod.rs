//! Plugins decide which missed messages are worth a notification, what it says and who gets it (MongooseIM's
//! `plugin_module`).

mod default;
mod missed;
mod mongooseim;
mod per_host;
pub mod rules;
mod situation;
mod verdict;

pub use default::{Content, DefaultPlugin};
pub use missed::Missed;
pub use mongooseim::MongooseImPlugin;
pub use per_host::PerHost;
pub use rules::RulesPlugin;
pub use situation::Situation;
pub use verdict::{Choice, Reason, Verdict};

use crate::delivery::Notification;
use crate::registration::Registration;
use crate::xep::message::{Message, MessageType};
use crate::xep::summary::Summary;
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

impl Wants {
    /// Returns what either of them wants.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self {
            calls: self.calls || other.calls,
            any: self.any || other.any,
        }
    }
}
