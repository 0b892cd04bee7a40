//! Which messages a registration was told of: one message may be missed for several causes.

use crate::Timestamp;
use crate::hash::{Seeded, SeededMap};
use crate::machine::values::MessageKey;
use crate::registration::Target;
use crate::xep::message::Message;
use crate::xep::stanza_id::stanza_id;
use crate::xml::{ElementRef, Namespace};
use jid::BareJid;
use std::borrow::Cow;
use std::time::Duration;

/// Messages that registrations were told of, for a while and within a bound.
///
/// Two generations: a new one begins after the window or when the young one is full, so that an entry is kept for
/// at least the window unless the bound cuts it short.
#[derive(Debug)]
pub(super) struct Told {
    /// (message by archive id, registration) → 1; (message by sender's id, registration) → hashed archive id or 0.
    young: SeededMap<u64, u64>,
    old: SeededMap<u64, u64>,
    since: Timestamp,
    hash: Seeded,
}

impl Told {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            young: hash.map(),
            old: hash.map(),
            since: Timestamp::default(),
            hash,
        }
    }

    /// Returns the key of `message` (unwrapped) to `owner`; `outer` is the stanza as it came, where the archive put its id.
    pub(super) fn key(
        &self,
        owner: &BareJid,
        outer: Message<'_>,
        message: Message<'_>,
    ) -> MessageKey {
        let by = owner.as_str();
        let archived = stanza_id(message.element, by).or_else(|| stanza_id(outer.element, by));
        let from = message.from().unwrap_or_default();
        let sender = match message.element.attribute("id").filter(|id| !id.is_empty()) {
            Some(id) => self.hash.hash(&(by, from, message.kind, id)),
            None => self.hash.hash(&(by, from, message.kind, content(message))),
        };
        // 0 stands for "no archive id" in the map.
        MessageKey {
            archive: archived.map(|id| self.hash.hash(&(by, id)) | 1),
            sender,
        }
    }

    /// Returns whether the registration at `target` was told of all of `messages`; never, if there are none.
    pub(super) fn all(&self, messages: &[MessageKey], target: &Target) -> bool {
        let target = self.hash.hash(target);
        !messages.is_empty() && messages.iter().all(|message| self.one(*message, target))
    }

    /// Remembers that the registration at `target` was told.
    pub(super) fn mark(&mut self, messages: &[MessageKey], target: &Target) {
        let target = self.hash.hash(target);
        for message in messages {
            let sender = self.hash.hash(&(target, message.sender));
            self.young
                .insert(sender, message.archive.unwrap_or_default());
            if let Some(archive) = message.archive {
                self.young.insert(self.hash.hash(&(target, archive)), 1);
            }
        }
    }

    /// Forgets that the registration at `target` was told of `messages`.
    pub(super) fn unmark(&mut self, messages: &[MessageKey], target: &Target) {
        let target = self.hash.hash(target);
        for message in messages {
            let archive = message.archive.map(|id| self.hash.hash(&(target, id)));
            let sender = self.hash.hash(&(target, message.sender));
            for told in [Some(sender), archive].into_iter().flatten() {
                self.young.remove(&told);
                self.old.remove(&told);
            }
        }
    }

    /// Learns the archive id of `messages` that came without one before. Else every later message under the same sender's id
    /// would count as a duplicate.
    pub(super) fn learn(&mut self, messages: &[MessageKey], target: &Target) {
        let target = self.hash.hash(target);
        for message in messages {
            let sender = self.hash.hash(&(target, message.sender));
            if let (Some(archive), Some(0)) = (message.archive, self.get(sender)) {
                self.young.insert(sender, archive);
                self.young.insert(self.hash.hash(&(target, archive)), 1);
            }
        }
    }

    /// Forgets what is older than the window or over the bound.
    pub(super) fn age(&mut self, now: Timestamp, window: Duration, entries: usize) {
        if now.since(self.since) >= window || self.young.len() >= entries / 2 {
            self.old = std::mem::replace(&mut self.young, self.hash.map());
            self.since = now;
        }
    }

    /// Senders may use an id twice: two different archive ids are two messages.
    fn one(&self, message: MessageKey, target: u64) -> bool {
        let archive = message.archive;
        if archive.is_some_and(|archive| self.get(self.hash.hash(&(target, archive))).is_some()) {
            return true;
        }
        match self.get(self.hash.hash(&(target, message.sender))) {
            None => false,
            Some(0) => true,
            Some(other) => archive.is_none_or(|archive| archive == other),
        }
    }

    fn get(&self, key: u64) -> Option<u64> {
        self.young.get(&key).or_else(|| self.old.get(&key)).copied()
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
