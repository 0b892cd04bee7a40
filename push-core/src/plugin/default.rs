//! The `default` plugin: private first.

use super::{Missed, Plugin};
use crate::xep::message::{Message, MessageType};
use crate::xep::push::Summary;

/// What a notification of the default plugin says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Include the sender's bare JID (for rooms: who in the room).
    pub sender: bool,
    /// Include the text of messages that are not encrypted.
    pub body: bool,
    /// What is said in place of the text: push services ring only when there is one.
    pub placeholder: String,
}

impl Default for Content {
    fn default() -> Self {
        Self {
            sender: false,
            body: false,
            placeholder: "New message".to_owned(),
        }
    }
}

/// Chat, groupchat and normal messages with a body or an encrypted payload.
#[derive(Clone, Debug, Default)]
pub struct DefaultPlugin {
    content: Content,
}

impl DefaultPlugin {
    /// The plugin saying `content`.
    pub fn new(content: Content) -> Self {
        Self { content }
    }

    fn body(&self, message: Option<Message<'_>>) -> String {
        let open = message.filter(|message| self.content.body && !message.is_encrypted());
        let text = open.and_then(Message::body);
        text.map_or_else(|| self.content.placeholder.clone(), Into::into)
    }

    fn sender(&self, message: Option<Message<'_>>) -> Option<String> {
        message.filter(|_| self.content.sender).and_then(sender)
    }
}

impl Plugin for DefaultPlugin {
    fn name(&self) -> &'static str {
        "default"
    }

    fn prepare_notification(&self, missed: &Missed<'_>) -> Option<Summary> {
        if missed.message.is_some_and(|message| !is_worth_it(message)) {
            return None;
        }
        Some(Summary {
            message_count: Some(missed.count),
            last_message_sender: self.sender(missed.message),
            last_message_body: Some(self.body(missed.message)),
        })
    }
}

fn is_worth_it(message: Message<'_>) -> bool {
    let kind = matches!(
        message.kind,
        MessageType::Chat | MessageType::Groupchat | MessageType::Normal
    );
    kind && (message.is_encrypted() || message.body().is_some())
}

/// The bare JID of who wrote, the full one in rooms; lower case, as the reference writes it.
pub(super) fn sender(message: Message<'_>) -> Option<String> {
    let from = message.from()?;
    let shown = match message.kind {
        MessageType::Groupchat => from,
        _ => from.split('/').next().unwrap_or(from),
    };
    Some(shown.to_lowercase())
}
