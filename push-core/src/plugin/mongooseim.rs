//! The `mongooseim` plugin: what `mod_event_pusher_push_plugin_defaults` does, field by field.

use super::default::sender;
use super::{Missed, Plugin, Situation};
use crate::registration::Registration;
use crate::session::{Cause, Session};
use crate::xep::message::MessageType;
use crate::xep::push::Summary;

/// Chat and groupchat messages with a body, for users who are offline; sender and body always.
///
/// A session waiting for resumption counts as online, as there: a phone that lost its connection is told when
/// the resumption window ends.
#[derive(Clone, Copy, Debug, Default)]
pub struct MongooseImPlugin;

impl Plugin for MongooseImPlugin {
    fn name(&self) -> &'static str {
        "mongooseim"
    }

    fn prepare_notification(&self, missed: &Missed<'_>) -> Option<Summary> {
        let message = missed.message?;
        if !matches!(message.kind, MessageType::Chat | MessageType::Groupchat) {
            return None;
        }
        Some(Summary {
            message_count: Some(missed.count),
            last_message_sender: sender(message),
            last_message_body: Some(message.body()?.into_owned()),
        })
    }

    fn should_publish(&self, situation: &Situation<'_>, _: &Registration) -> bool {
        let missed_for_good = matches!(situation.cause, Cause::Offline | Cause::Lost);
        missed_for_good && !situation.sessions.iter().any(is_online)
    }
}

/// Available with a priority of 0 or more, hibernated or not.
fn is_online(session: &Session) -> bool {
    session.priority.is_some_and(|priority| priority >= 0)
}
