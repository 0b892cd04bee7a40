//! Plugins that decide as those of MongooseIM 6.8, field by field.

mod call;
#[cfg(test)]
mod tests;

use super::default::sender;
use super::{Choice, Missed, Plugin, Situation, Verdict, Wants};
use crate::delivery::Notification;
use crate::registration::Registration;
use crate::session::{Cause, Session};
use crate::xep::hints::Hint;
use crate::xep::message::{Message, MessageType};
use crate::xep::summary::Summary;
use call::Call;

/// Tells of chat and groupchat messages with a body, for users who are offline; sender and body always.
///
/// A session waiting for resumption counts as online, as there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MongooseImPlugin {
    /// As `mod_event_pusher_push_plugin_defaults`: a phone that lost its connection is told when the resumption window ends.
    #[default]
    Defaults,
    /// As `mod_event_pusher_push_plugin_enhanced`: besides, the registration that was enabled in a session is told at once of the messages
    /// that the session had not acknowledged when its connection was lost, and of those that come for it afterwards. Other devices are
    /// told when the resumption window ends.
    Enhanced,
    /// As `mod_event_pusher_push_plugin_hints`: besides that, nobody is told of a message that is not to be stored (XEP-0334), and devices are
    /// told of calls whose messages are (XEP-0353), in fields of their own, which `MongoosePush` understands in silent pushes only.
    Hints,
}

impl Plugin for MongooseImPlugin {
    fn name(&self) -> &'static str {
        match self {
            Self::Defaults => "mongooseim",
            Self::Enhanced => "mongooseim-enhanced",
            Self::Hints => "mongooseim-hints",
        }
    }

    fn wants(&self) -> Wants {
        Wants {
            calls: *self == Self::Hints,
            ..Wants::default()
        }
    }

    fn should_publish(&self, missed: &Missed<'_>) -> Verdict {
        let is_hinted = |message: Message<'_>| Hint::NoStore.is_in(message.element);
        if *self == Self::Hints && missed.message.is_some_and(is_hinted) {
            return Verdict::skip("not to be stored");
        }
        match conversation(missed.message) {
            Err(_) if self.call(missed).is_some() => Verdict::publish("call"),
            Err(why) => Verdict::skip(why),
            Ok(()) => Verdict::publish("conversation"),
        }
    }

    fn prepare_notification(&self, missed: &Missed<'_>) -> Notification {
        let message = missed.message;
        let call = self.call(missed).filter(|_| conversation(message).is_err());
        Notification::new(call.map_or_else(|| said(missed), Call::into_summary))
    }

    fn publish_notification(
        &self,
        situation: &Situation<'_>,
        _: &Notification,
        registration: &Registration,
    ) -> Choice {
        if matches!(situation.cause, Cause::Queued | Cause::Unacked) && *self != Self::Defaults {
            return if situation.was_enabled_in_session(registration) {
                Choice::Publish
            } else {
                Choice::skip("it was not enabled in the session that was cut")
            };
        }
        if !matches!(situation.cause, Cause::Offline | Cause::Lost) {
            return Choice::skip("the session may still be resumed");
        }
        if situation.sessions.iter().any(is_online) {
            return Choice::skip("the user is online");
        }
        Choice::Publish
    }
}

impl MongooseImPlugin {
    /// Returns the call that a message is about, if devices are told of calls and it is to be stored.
    fn call<'a>(self, missed: &Missed<'a>) -> Option<Call<'a>> {
        let message = missed.message.filter(|_| self == Self::Hints)?;
        Call::read(message).filter(|_| Hint::Store.is_in(message.element))
    }
}

/// Returns why a message is no conversation with a text, if it is none.
fn conversation(message: Option<Message<'_>>) -> Result<(), &'static str> {
    let message = message.ok_or("content lost")?;
    match message.kind {
        MessageType::Chat | MessageType::Groupchat if message.body().is_some() => Ok(()),
        MessageType::Chat | MessageType::Groupchat => Err("no body"),
        _ => Err("no conversation"),
    }
}

fn said(missed: &Missed<'_>) -> Summary {
    let message = missed.message;
    Summary {
        message_count: Some(missed.count),
        last_message_sender: message.and_then(sender),
        last_message_body: message.and_then(Message::body).map(Into::into),
        ..Summary::default()
    }
}

/// Available with a priority of 0 or more, hibernated or not.
fn is_online(session: &Session) -> bool {
    session.priority.is_some_and(|priority| priority >= 0)
}
