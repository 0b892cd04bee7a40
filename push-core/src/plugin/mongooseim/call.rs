//! A call as the plugin with hints tells of it.

use crate::plugin::default::sender;
use crate::xep::jingle_message::JingleMessage;
use crate::xep::message::Message;
use crate::xep::summary::Summary;

/// The action of a message about a call, the id of the call, and who wrote.
#[derive(Debug)]
pub(super) struct Call<'a> {
    action: &'a str,
    id: &'a str,
    sender: Option<String>,
}

impl<'a> Call<'a> {
    /// Returns the call that a message is about; none if it has no id.
    pub(super) fn read(message: Message<'a>) -> Option<Self> {
        let call = JingleMessage::read(message.element)?;
        Some(Self {
            action: call.action,
            id: call.id?,
            sender: sender(message),
        })
    }

    /// Returns the content of its notification.
    pub(super) fn into_summary(self) -> Summary {
        let sender = self.sender.map(|sender| ("message-sender", sender));
        let call = [
            ("jingle-message", self.action.to_owned()),
            ("jingle-session-id", self.id.to_owned()),
        ];
        Summary {
            fields: sender.into_iter().chain(call).collect(),
            ..Summary::default()
        }
    }
}
