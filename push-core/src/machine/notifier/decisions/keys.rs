//! The keys by which messages are recognised.

use super::remembered::Remembered;
use crate::Timestamp;
use crate::hash::Seeded;
use crate::link::MissedMessage;
use crate::machine::values::MessageKey;
use crate::xep::message::Message;
use crate::xep::stanza_id::stanza_id;
use crate::xml::{ElementRef, Namespace};
use jid::BareJid;
use std::borrow::Cow;
use std::time::Duration;

/// Gives messages their keys: those that the adapter has given, else the archive's id, else what the message looks like.
#[derive(Debug)]
pub(super) struct Keys {
    /// (look, cause, resource) → how many messages there were of it. Two of one cause are two messages, however they look.
    counts: Remembered<u32>,
    hash: Seeded,
}

impl Keys {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            counts: Remembered::new(hash),
            hash,
        }
    }

    /// Returns the keys of what has `arrived`; `outer` is the stanza as it came, where the archive put its id, and `message` what
    /// is in it.
    pub(super) fn of(
        &mut self,
        owner: &BareJid,
        arrived: &MissedMessage<'_>,
        message: Option<(Message<'_>, Message<'_>)>,
    ) -> Vec<MessageKey> {
        let by = owner.as_str();
        if !arrived.keys.is_empty() {
            let keys = arrived.keys.iter();
            return keys.map(|key| self.named(by, key)).collect();
        }
        let Some((outer, message)) = message else {
            return Vec::new();
        };
        let id = stanza_id(message.element, by).or_else(|| stanza_id(outer.element, by));
        let key = match id {
            Some(id) => self.named(by, id),
            None => self.next(by, arrived, message),
        };
        vec![key]
    }

    /// Returns the key of a message that has a name.
    fn named(&self, owner: &str, name: &str) -> MessageKey {
        MessageKey(self.hash.hash(&(owner, name)))
    }

    /// Returns the key of the next message that looks like this, for its cause.
    fn next(
        &mut self,
        owner: &str,
        arrived: &MissedMessage<'_>,
        message: Message<'_>,
    ) -> MessageKey {
        let from = message.from().unwrap_or_default();
        let id = message.element.attribute("id").filter(|id| !id.is_empty());
        let look = (owner, from, message.kind, id);
        let look = match id {
            Some(_) => self.hash.hash(&look),
            None => self.hash.hash(&(look, content(message))),
        };
        let of_cause = self.hash.hash(&(look, arrived.cause, arrived.resource));
        let count = self.counts.get(of_cause).unwrap_or_default();
        let count = count.saturating_add(u32::from(count == 0 || arrived.was.is_none()));
        self.counts.insert(of_cause, count);
        MessageKey(self.hash.hash(&(look, count)))
    }

    /// Forgets what is older than the window or over the bound.
    pub(super) fn age(&mut self, now: Timestamp, window: Duration, entries: usize) {
        self.counts.age(now, window, entries);
    }
}

/// Returns body and encrypted payload, without what servers add on the way.
fn content(message: Message<'_>) -> (Option<Cow<'_, str>>, Vec<&str>) {
    let encrypted = [
        Namespace::OmemoLegacy,
        Namespace::Omemo1,
        Namespace::Omemo2,
        Namespace::OpenPgp,
        Namespace::Pgp,
    ];
    let payloads = message
        .element
        .children()
        .filter(|child| encrypted.contains(&child.namespace()));
    (message.body(), payloads.map(ElementRef::source).collect())
}
