//! RFC 6121 §5: messages, with the wrappers a missed one may come in taken off.

use crate::xep::{carbons, encryption};
use crate::xml::{ElementRef, Namespace};
use std::borrow::Cow;

/// The type of a message (RFC 6121 §5.2.2); unknown values count as normal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageType {
    /// One-to-one conversation.
    Chat,
    /// Not a conversation.
    Normal,
    /// From a room.
    Groupchat,
    /// Transient news.
    Headline,
    /// A bounce.
    Error,
}

/// A message, read.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The element.
    pub element: ElementRef<'a>,
    /// Its type.
    pub kind: MessageType,
}

impl<'a> Message<'a> {
    /// Reads a `<message/>` of either stanza namespace.
    pub fn read(element: ElementRef<'a>) -> Option<Self> {
        let stanza = matches!(
            element.namespace(),
            Namespace::Client | Namespace::Component
        );
        if element.name() != "message" || !stanza {
            return None;
        }
        let kind = match element.attribute("type") {
            Some("chat") => MessageType::Chat,
            Some("groupchat") => MessageType::Groupchat,
            Some("headline") => MessageType::Headline,
            Some("error") => MessageType::Error,
            _ => MessageType::Normal,
        };
        Some(Self { element, kind })
    }

    /// The message a user would see: that inside of a received carbon or a MUC/Sub event, else this one.
    ///
    /// `None` for a sent carbon: it is the user's own.
    pub fn unwrapped(self) -> Option<Self> {
        match carbons::read(self.element) {
            Some(carbons::Carbon::Sent) => None,
            Some(carbons::Carbon::Received(inner)) => Self::read(inner),
            None => Some(
                subscription_event(self.element)
                    .and_then(Self::read)
                    .unwrap_or(self),
            ),
        }
    }

    /// The sender, as on the wire.
    pub fn from(self) -> Option<&'a str> {
        self.element.attribute("from")
    }

    /// The first `<body/>` with any text.
    pub fn body(self) -> Option<Cow<'a, str>> {
        let own = self.element.namespace();
        let bodies = self
            .element
            .children()
            .filter(move |child| child.is("body", own));
        bodies.map(ElementRef::text).find(|text| !text.is_empty())
    }

    /// Returns whether the body, if there is one, only stands in for something encrypted.
    pub fn has_fallback_body(self) -> bool {
        encryption::is_marked(self.element)
    }

    /// Whether there is an encrypted payload beside (or in place of) the body.
    pub fn is_encrypted(self) -> bool {
        encryption::has_payload(self.element)
    }
}

/// The message inside of a MUC/Sub event, as ejabberd sends them to subscribers without a session. Both come from the same
/// room: anybody else could put words into its mouth.
fn subscription_event(element: ElementRef<'_>) -> Option<ElementRef<'_>> {
    let items = element
        .child("event", Namespace::PubsubEvent)?
        .child("items", Namespace::PubsubEvent)?;
    if items.attribute("node") != Some("urn:xmpp:mucsub:nodes:messages") {
        return None;
    }
    let item = items.child("item", Namespace::PubsubEvent)?;
    let message = item.children().find(|child| child.name() == "message")?;
    let room = |of: ElementRef<'_>| of.attribute("from")?.split('/').next().map(str::to_owned);
    (room(message) == room(element)).then_some(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::sample::{Sample, element};

    fn message() -> Sample {
        element("message", Namespace::Client)
    }

    fn body(text: &str) -> Sample {
        element("body", Namespace::Client).text(text)
    }

    #[test]
    fn unknown_types_are_normal() {
        for (kind, expected) in [
            ("chat", MessageType::Chat),
            ("groupchat", MessageType::Groupchat),
            ("headline", MessageType::Headline),
            ("error", MessageType::Error),
            ("normal", MessageType::Normal),
            ("shiny", MessageType::Normal),
        ] {
            let stanza = message().with("type", kind).stanza();
            assert_eq!(Message::read(stanza.root()).unwrap().kind, expected);
        }
        assert_eq!(
            Message::read(message().stanza().root()).unwrap().kind,
            MessageType::Normal
        );
        assert!(Message::read(element("message", Namespace::Other).stanza().root()).is_none());
        assert!(Message::read(element("presence", Namespace::Client).stanza().root()).is_none());
    }

    #[test]
    fn the_first_body_with_text_counts() {
        let stanza = message()
            .child(element("body", Namespace::Other).text("html"))
            .child(body(""))
            .child(body("one"))
            .child(body("two"))
            .stanza();
        assert_eq!(
            Message::read(stanza.root()).unwrap().body().as_deref(),
            Some("one")
        );
        assert_eq!(
            Message::read(message().child(body("")).stanza().root())
                .unwrap()
                .body(),
            None
        );
    }

    #[test]
    fn what_the_user_wrote_is_no_news_whatever_is_around_it() {
        let copy = element("forwarded", Namespace::Forward).child(message().child(body("inner")));
        let sent = message()
            .with("from", "alice@example.org")
            .with("to", "alice@example.org/phone")
            .child(body("outer"))
            .child(element("sent", Namespace::Carbons).child(copy));
        let stanza = sent.stanza();
        assert!(Message::read(stanza.root()).unwrap().unwrapped().is_none());
    }

    #[test]
    fn a_mucsub_event_is_unwrapped_and_others_are_not() {
        let event_from = |node: &str, from: &str| {
            let items = element("items", Namespace::PubsubEvent)
                .with("node", node)
                .child(
                    element("item", Namespace::PubsubEvent).child(
                        message()
                            .with("from", "room@muc.example.org/bob")
                            .child(body("inner")),
                    ),
                );
            message()
                .with("from", from)
                .child(element("event", Namespace::PubsubEvent).child(items))
                .stanza()
        };
        let event = |node: &str| event_from(node, "room@muc.example.org");
        let text = |stanza: &crate::xml::Stanza| {
            let message = Message::read(stanza.root()).unwrap().unwrapped().unwrap();
            message.body().map(Cow::into_owned)
        };
        assert_eq!(
            text(&event("urn:xmpp:mucsub:nodes:messages")).as_deref(),
            Some("inner")
        );
        assert_eq!(text(&event("urn:xmpp:mucsub:nodes:subject")), None);
        let forged = event_from("urn:xmpp:mucsub:nodes:messages", "mallory@example.com");
        assert_eq!(text(&forged), None);
    }
}
