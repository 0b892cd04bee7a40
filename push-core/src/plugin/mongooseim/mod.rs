//! Plugins that decide as those of MongooseIM 6.8: `mongooseim` as `mod_event_pusher_push_plugin_defaults`, field by field.

mod enhanced;
mod hints;

pub use enhanced::MongooseImEnhancedPlugin;
pub use hints::MongooseImHintsPlugin;

use super::default::sender;
use super::{Choice, Missed, Plugin, Situation, Verdict};
use crate::delivery::Notification;
use crate::registration::Registration;
use crate::session::{Cause, Session};
use crate::xep::message::{Message, MessageType};
use crate::xep::summary::Summary;

/// Tells of chat and groupchat messages with a body, for users who are offline; sender and body always.
///
/// A session waiting for resumption counts as online, as there: a phone that lost its connection is told when
/// the resumption window ends.
#[derive(Clone, Copy, Debug, Default)]
pub struct MongooseImPlugin;

impl Plugin for MongooseImPlugin {
    fn name(&self) -> &'static str {
        "mongooseim"
    }

    fn should_publish(&self, missed: &Missed<'_>) -> Verdict {
        let Some(message) = missed.message else {
            return Verdict::skip("content lost");
        };
        match message.kind {
            MessageType::Chat | MessageType::Groupchat if message.body().is_some() => {
                Verdict::publish("conversation")
            }
            MessageType::Chat | MessageType::Groupchat => Verdict::skip("no body"),
            _ => Verdict::skip("no conversation"),
        }
    }

    fn prepare_notification(&self, missed: &Missed<'_>) -> Notification {
        let message = missed.message;
        Notification::new(Summary {
            message_count: Some(missed.count),
            last_message_sender: message.and_then(sender),
            last_message_body: message.and_then(Message::body).map(Into::into),
            ..Summary::default()
        })
    }

    fn publish_notification(
        &self,
        situation: &Situation<'_>,
        _: &Notification,
        _: &Registration,
    ) -> Choice {
        if !matches!(situation.cause, Cause::Offline | Cause::Lost) {
            return Choice::skip("the session may still be resumed");
        }
        if situation.sessions.iter().any(is_online) {
            return Choice::skip("the user is online");
        }
        Choice::Publish
    }
}

/// Available with a priority of 0 or more, hibernated or not.
fn is_online(session: &Session) -> bool {
    session.priority.is_some_and(|priority| priority >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::xml::Namespace;
    use crate::xml::sample::{Sample, element};
    use jid::BareJid;

    fn said(message: &Sample) -> Option<Summary> {
        let stanza = message.stanza();
        let owner = BareJid::new("alice@example.org").unwrap();
        let missed = Missed {
            message: Message::read(stanza.root()),
            ..Missed::new(&owner, Cause::Offline, Timestamp::default())
        };
        let worth_it = MongooseImPlugin.should_publish(&missed).is_publish();
        worth_it.then(|| MongooseImPlugin.prepare_notification(&missed).content)
    }

    fn message(kind: &str) -> Sample {
        element("message", Namespace::Client)
            .with("type", kind)
            .with("from", "Room@muc.example.org/Bob")
            .child(element("body", Namespace::Client).text("hi"))
    }

    #[test]
    fn chat_and_groupchat_with_a_body_and_nothing_else() {
        assert_eq!(
            said(&message("chat"))
                .unwrap()
                .last_message_sender
                .as_deref(),
            Some("room@muc.example.org")
        );
        assert_eq!(
            said(&message("groupchat"))
                .unwrap()
                .last_message_sender
                .as_deref(),
            Some("room@muc.example.org/bob")
        );
        for kind in ["normal", "headline", "error", ""] {
            assert_eq!(said(&message(kind)), None, "{kind}");
        }
        assert_eq!(
            said(&element("message", Namespace::Client).with("type", "chat")),
            None
        );
    }

    #[test]
    fn only_users_without_a_session_that_counts_as_online() {
        let session = |priority, hibernated| Session {
            resource: "r".to_owned(),
            priority,
            hibernated,
            client_state: None,
            enabled: false,
        };
        for (sessions, online) in [
            (vec![], false),
            (vec![session(Some(-1), false)], false),
            (vec![session(None, false)], false),
            (vec![session(Some(0), false)], true),
            (vec![session(Some(0), true)], true),
        ] {
            assert_eq!(sessions.iter().any(is_online), online, "{sessions:?}");
        }
    }
}
