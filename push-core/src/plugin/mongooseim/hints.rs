//! The `mongooseim-hints` plugin: what `mod_event_pusher_push_plugin_hints` of 6.8 does.

use super::super::default::sender;
use super::{MongooseImEnhancedPlugin, MongooseImPlugin};
use crate::delivery::Notification;
use crate::plugin::{Choice, Missed, Plugin, Situation, Verdict, Wants};
use crate::registration::Registration;
use crate::xep::hints::Hint;
use crate::xep::jingle_message::JingleMessage;
use crate::xep::message::Message;
use crate::xep::summary::Summary;

/// Does what [`MongooseImEnhancedPlugin`] does, but tells of no message that is not to be stored, and of calls whose messages are.
///
/// A notification of a call has fields of its own. `MongoosePush` understands them in silent pushes only.
#[derive(Clone, Copy, Debug, Default)]
pub struct MongooseImHintsPlugin;

impl Plugin for MongooseImHintsPlugin {
    fn name(&self) -> &'static str {
        "mongooseim-hints"
    }

    fn wants(&self) -> Wants {
        Wants {
            calls: true,
            ..Wants::default()
        }
    }

    fn should_publish(&self, missed: &Missed<'_>) -> Verdict {
        if missed
            .message
            .is_some_and(|of| Hint::NoStore.is_in(of.element))
        {
            return Verdict::skip("not to be stored");
        }
        match missed.message.and_then(call) {
            Some(_) if !is_conversation(missed) => Verdict::publish("call"),
            _ => MongooseImPlugin.should_publish(missed),
        }
    }

    fn prepare_notification(&self, missed: &Missed<'_>) -> Notification {
        let call = missed.message.and_then(call);
        let Some((action, id)) = call.filter(|_| !is_conversation(missed)) else {
            return MongooseImPlugin.prepare_notification(missed);
        };
        let sender = missed.message.and_then(sender);
        let sender = sender.map(|sender| ("message-sender", sender));
        let call = [
            ("jingle-message", action.to_owned()),
            ("jingle-session-id", id.to_owned()),
        ];
        Notification::new(Summary {
            fields: sender.into_iter().chain(call).collect(),
            ..Summary::default()
        })
    }

    fn publish_notification(
        &self,
        situation: &Situation<'_>,
        notification: &Notification,
        registration: &Registration,
    ) -> Choice {
        MongooseImEnhancedPlugin.publish_notification(situation, notification, registration)
    }
}

fn is_conversation(missed: &Missed<'_>) -> bool {
    MongooseImPlugin.should_publish(missed).is_publish()
}

/// Returns what happens to which call, if the message says so and is to be stored.
fn call(message: Message<'_>) -> Option<(&str, &str)> {
    let call =
        JingleMessage::read(message.element).filter(|_| Hint::Store.is_in(message.element))?;
    Some((call.action, call.id?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::session::Cause;
    use crate::xml::Namespace;
    use crate::xml::sample::{Sample, element};
    use jid::BareJid;

    fn said(message: &Sample) -> Result<Summary, String> {
        let stanza = message.stanza();
        let owner = BareJid::new("alice@example.org").unwrap();
        let missed = Missed {
            message: Message::read(stanza.root()),
            ..Missed::new(&owner, Cause::Offline, Timestamp::default())
        };
        let verdict = MongooseImHintsPlugin.should_publish(&missed);
        let content = MongooseImHintsPlugin.prepare_notification(&missed).content;
        let reason = verdict.reason().as_str().to_owned();
        verdict.is_publish().then_some(content).ok_or(reason)
    }

    fn chat() -> Sample {
        element("message", Namespace::Client)
            .with("type", "chat")
            .with("from", "Bob@example.com/x")
    }

    fn propose() -> Sample {
        element("propose", Namespace::JingleMessage).with("id", "s1")
    }

    fn hint(name: &'static str) -> Sample {
        element(name, Namespace::Hints)
    }

    #[test]
    fn a_call_that_is_to_be_stored_is_told_in_fields_of_its_own() {
        let call = said(&chat().child(propose()).child(hint("store"))).unwrap();
        let expected = [
            ("message-sender", "bob@example.com"),
            ("jingle-message", "propose"),
            ("jingle-session-id", "s1"),
        ];
        let expected = expected.map(|(name, value)| (name, value.to_owned()));
        assert_eq!(call.fields, expected);
        assert_eq!(call.message_count, None);
        let without_id = element("propose", Namespace::JingleMessage);
        assert!(said(&chat().child(propose())).is_err(), "no hint");
        assert!(said(&chat().child(without_id).child(hint("store"))).is_err());
    }

    #[test]
    fn a_message_is_told_as_ever_unless_it_is_not_to_be_stored() {
        let body = || element("body", Namespace::Client).text("hi");
        let told = said(&chat().child(body()).child(propose()).child(hint("store"))).unwrap();
        assert_eq!(told.last_message_body.as_deref(), Some("hi"));
        let kept = said(&chat().child(body()).child(hint("no-store")));
        assert_eq!(kept, Err("not to be stored".to_owned()));
    }
}
