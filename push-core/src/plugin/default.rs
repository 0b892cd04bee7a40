//! The `default` plugin: private first.

use super::{Missed, Plugin};
use crate::delivery::Notification;
use crate::xep::message::{Message, MessageType};
use crate::xep::summary::Summary;

/// The content of the default plugin's notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Include the sender's bare JID (for rooms: who in the room).
    pub sender: bool,
    /// Include the text of messages that are not encrypted.
    pub body: bool,
    /// The words that stand in for the text: push services ring only when there is one.
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

/// Tells of chat, groupchat and normal messages with a body or an encrypted payload.
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
        let open = message.filter(|message| self.content.body && !message.has_fallback_body());
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

    fn prepare_notification(&self, missed: &Missed<'_>) -> Notification {
        Notification::new(Summary {
            message_count: Some(missed.count),
            last_message_sender: self.sender(missed.message),
            last_message_body: Some(self.body(missed.message)),
            ..Summary::default()
        })
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::session::Cause;
    use crate::xml::Namespace;
    use crate::xml::sample::{Sample, element};
    use jid::BareJid;

    fn said(plugin: &DefaultPlugin, message: &Sample) -> Option<Summary> {
        let stanza = message.stanza();
        said_of(plugin, Message::read(stanza.root()))
    }

    fn said_of(plugin: &DefaultPlugin, message: Option<Message<'_>>) -> Option<Summary> {
        let owner = BareJid::new("alice@example.org").unwrap();
        let missed = Missed {
            message,
            count: 3,
            ..Missed::new(&owner, Cause::Offline, Timestamp::default())
        };
        let worth_it = plugin.should_publish(&missed).is_publish();
        worth_it.then(|| plugin.prepare_notification(&missed).content)
    }

    fn message(kind: &str) -> Sample {
        element("message", Namespace::Client)
            .with("type", kind)
            .with("from", "Bob@example.com/x")
            .child(element("body", Namespace::Client).text("hush"))
    }

    fn encrypted(kind: &str) -> Sample {
        message(kind).child(element("openpgp", Namespace::OpenPgp))
    }

    #[test]
    fn it_is_private_unless_told_otherwise() {
        let said = said(&DefaultPlugin::default(), &message("chat")).unwrap();
        assert_eq!(said.message_count, Some(3));
        assert_eq!(said.last_message_sender, None);
        assert_eq!(said.last_message_body.as_deref(), Some("New message"));
    }

    #[test]
    fn it_tells_what_it_is_told_to_and_never_what_is_encrypted() {
        let content = Content {
            sender: true,
            body: true,
            placeholder: "new".to_owned(),
        };
        let plugin = DefaultPlugin::new(content);
        let open = said(&plugin, &message("chat")).unwrap();
        assert_eq!(open.last_message_sender.as_deref(), Some("bob@example.com"));
        assert_eq!(open.last_message_body.as_deref(), Some("hush"));
        let room = said(&plugin, &message("groupchat")).unwrap();
        assert_eq!(
            room.last_message_sender.as_deref(),
            Some("bob@example.com/x")
        );
        let secret = said(&plugin, &encrypted("chat")).unwrap();
        assert_eq!(secret.last_message_body.as_deref(), Some("new"));
    }

    #[test]
    fn only_conversation_with_content_is_worth_it() {
        let plugin = DefaultPlugin::default();
        for (kind, worth) in [
            ("chat", true),
            ("groupchat", true),
            ("normal", true),
            ("headline", false),
            ("error", false),
        ] {
            assert_eq!(said(&plugin, &message(kind)).is_some(), worth, "{kind}");
            assert_eq!(said(&plugin, &encrypted(kind)).is_some(), worth, "{kind}");
            let empty = element("message", Namespace::Client).with("type", kind);
            assert_eq!(said(&plugin, &empty), None, "{kind}");
        }
    }

    #[test]
    fn a_fallback_body_is_never_shown() {
        let content = Content {
            body: true,
            ..Content::default()
        };
        let plugin = DefaultPlugin::new(content);
        for mark in [
            element("encryption", Namespace::Encryption).with("namespace", "urn:xmpp:omemo:2"),
            element("encrypted", Namespace::OmemoLegacy),
        ] {
            let said = said(&plugin, &message("chat").child(mark)).unwrap();
            assert_eq!(said.last_message_body.as_deref(), Some("New message"));
        }
    }

    #[test]
    fn what_lost_its_content_is_still_told() {
        let said = said_of(&DefaultPlugin::default(), None).unwrap();
        assert_eq!(said.message_count, Some(3));
    }
}
