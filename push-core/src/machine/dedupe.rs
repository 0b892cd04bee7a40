//! Which messages a registration was told of: one message comes by several causes.

use crate::Timestamp;
use crate::hash::{Seeded, SeededMap};
use crate::registration::Target;
use crate::xep::message::Message;
use crate::xep::stanza_id::stanza_id;
use crate::xml::{ElementRef, Namespace};
use jid::BareJid;
use std::borrow::Cow;
use std::time::Duration;

/// What tells one message of an owner from the others, hashed with a secret key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MessageKey {
    /// The id of the owner's archive, where the message has one (XEP-0359).
    archive: Option<u64>,
    /// Sender, id and type; sender, type and content where there is no id.
    sender: u64,
}

/// Names one message told to one registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Mark(u64);

/// What registrations were told, for a while and within a bound.
///
/// Two generations: a new one begins after the window or when the young one is full, so that an entry is kept for
/// at least the window unless the bound cuts it short.
#[derive(Debug)]
pub(super) struct Dedupe {
    /// (message by archive id, registration) → 1; (message by sender's id, registration) → hashed archive id or 0.
    young: SeededMap<u64, u64>,
    old: SeededMap<u64, u64>,
    since: Timestamp,
    hash: Seeded,
}

impl Dedupe {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            young: hash.map(),
            old: hash.map(),
            since: Timestamp::default(),
            hash,
        }
    }

    /// The key of `message` (unwrapped) to `owner`; `outer` is the stanza as it came, where the archive put its id.
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

    /// Whether the registration at `target` was told of all of `messages`. Of none: never.
    pub(super) fn told(&self, messages: &[MessageKey], target: &Target) -> bool {
        let target = self.hash.hash(target);
        !messages.is_empty()
            && messages
                .iter()
                .all(|message| self.told_one(*message, target))
    }

    /// Names for `messages`, told to the registration at `target`.
    pub(super) fn marks(&self, messages: &[MessageKey], target: &Target) -> Vec<Mark> {
        let target = self.hash.hash(target);
        let mark = |message: &MessageKey| Mark(self.hash.hash(&(target, message.sender)));
        messages.iter().map(mark).collect()
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

    /// A registration is told of `messages` once more: what came without an archive id before may have one now.
    ///
    /// Else a second message under the same sender's id would be taken for the first for ever.
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

    /// Lets go of what is older than the window or over the bound.
    pub(super) fn age(&mut self, now: Timestamp, window: Duration, entries: usize) {
        if now.since(self.since) >= window || self.young.len() >= entries / 2 {
            self.old = std::mem::replace(&mut self.young, self.hash.map());
            self.since = now;
        }
    }

    /// Senders may use an id twice: two different archive ids are two messages.
    fn told_one(&self, message: MessageKey, target: u64) -> bool {
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

/// Body and encrypted payload; not what servers add on the way.
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
