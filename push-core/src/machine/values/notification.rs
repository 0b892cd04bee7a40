//! Missed messages on their way to being delivered.

use super::deferral::{Attempts, Parked, Retry};
use super::key::{MessageKey, add, known};
use crate::Timestamp;
use crate::delivery::{Class, Delivery, Notification};
use crate::hash::Seeded;
use crate::ids::{EventHold, HostId, ServiceKey, Slot, TraceId};
use crate::plugin::Verdict;
use crate::registration::{Registration, Target};
use crate::report::PassedOver;
use crate::session::{Cause, Session};
use crate::xep::summary::Summary;
use jid::BareJid;
use std::sync::Arc;

/// A missed message as it has come in.
#[derive(Debug)]
pub(in crate::machine) struct Arrival {
    pub(in crate::machine) host: HostId,
    pub(in crate::machine) trace: TraceId,
    pub(in crate::machine) event: Option<EventHold>,
    /// It was deferred before.
    pub(in crate::machine) retry: Option<Retry>,
}

/// Missed messages of one user that are worth one notification, until it is decided which registrations get it.
#[derive(Debug)]
pub(in crate::machine) struct Pending {
    pub(in crate::machine) trace: TraceId,
    pub(in crate::machine) host: HostId,
    pub(in crate::machine) cause: Cause,
    pub(in crate::machine) resource: Option<String>,
    pub(in crate::machine) sessions: Vec<Session>,
    pub(in crate::machine) notification: Notification,
    /// Why it is worth one.
    pub(in crate::machine) verdict: Verdict,
    pub(in crate::machine) missed_at: Timestamp,
    /// When the last of them was missed.
    pub(in crate::machine) last_missed_at: Timestamp,
    /// It was deferred before.
    pub(in crate::machine) retry: Option<Retry>,
    /// The adapter has told it before, under another number.
    pub(in crate::machine) is_replay: bool,
    pub(in crate::machine) keys: Vec<MessageKey>,
    pub(in crate::machine) holds: Vec<EventHold>,
}

impl Pending {
    /// Returns whether `newer` tells of the same session, for the same cause and reason.
    pub(in crate::machine) fn is_like(&self, newer: &Self) -> bool {
        (self.host, self.cause, self.notification.class)
            == (newer.host, newer.cause, newer.notification.class)
            && self.is_replay == newer.is_replay
            && self.resource == newer.resource
            && self.verdict.reason() == newer.verdict.reason()
            && match (&self.retry, &newer.retry) {
                (Some(of), Some(newer)) => of.is_like(newer),
                (of, newer) => of.is_none() && newer.is_none(),
            }
    }

    /// Returns whether both tell of the same message.
    pub(in crate::machine) fn shares_messages(&self, newer: &Self) -> bool {
        known(&self.keys, &newer.keys) > 0
    }

    /// Takes what has come later: the content of the later message, and the number of both.
    pub(in crate::machine) fn absorb(&mut self, newer: Self) {
        let known = known(&self.keys, &newer.keys);
        let (older, content) = (&self.notification.content, &newer.notification.content);
        let count = counted(older, content, known);
        if newer.last_missed_at >= self.last_missed_at {
            self.notification = newer.notification;
        }
        self.notification.content.message_count = count;
        self.sessions = newer.sessions;
        self.last_missed_at = self.last_missed_at.max(newer.last_missed_at);
        if let (Some(retry), Some(newer)) = (&mut self.retry, newer.retry) {
            retry.asked_for.extend(newer.asked_for);
        }
        self.holds.extend(newer.holds);
        add(&mut self.keys, newer.keys);
    }
}

/// Who is told of a missed message.
#[derive(Debug, Default)]
pub(in crate::machine) struct Decided {
    pub(in crate::machine) deliveries: Vec<Queued>,
    /// Those that were told of it before.
    pub(in crate::machine) told_before: Vec<Arc<Registration>>,
    pub(in crate::machine) passed_over: Vec<PassedOver>,
}

/// A delivery with what has to be settled when it ends.
#[derive(Debug)]
pub(in crate::machine) struct Queued {
    pub(in crate::machine) host: HostId,
    pub(in crate::machine) delivery: Delivery,
    pub(in crate::machine) attempts: Attempts,
    pub(in crate::machine) keys: Vec<MessageKey>,
    pub(in crate::machine) holds: Vec<EventHold>,
    /// Events that tell of the same messages once more.
    pub(in crate::machine) echoes: Vec<EventHold>,
    /// When the last of the messages was missed.
    pub(in crate::machine) missed_at: Timestamp,
    /// When it was decided.
    pub(in crate::machine) since: Timestamp,
}

impl Queued {
    /// Returns the push service it goes to.
    pub(in crate::machine) fn service(&self, hash: Seeded) -> ServiceKey {
        let service = &self.delivery.registration.target.service;
        ServiceKey(hash.hash(&(self.host, service.domain().as_str())))
    }

    /// Returns the registration and class it is of.
    pub(in crate::machine) fn slot(&self, hash: Seeded) -> Slot {
        let delivery = &self.delivery;
        slot(
            hash,
            &delivery.owner,
            &delivery.registration.target,
            delivery.class,
        )
    }

    /// Returns what has to be kept of it while it waits at its adapter.
    pub(in crate::machine) fn parked(&self, hash: Seeded, attempts: Attempts) -> Parked {
        Parked {
            trace: self.delivery.trace,
            service: self.service(hash),
            slot: self.slot(hash),
            registration: self.delivery.registration.clone(),
            keys: self.keys.clone(),
            attempts,
            expires_at: self.delivery.expires_at,
        }
    }

    /// Returns the same with what is known of the attempts, and only the messages that are `news` to the registration.
    pub(in crate::machine) fn with(self, attempts: Attempts, news: Vec<MessageKey>) -> Self {
        let known = (self.keys.len() - news.len()) as u64;
        let mut content = self.delivery.content;
        if known > 0 {
            let count = &mut Arc::make_mut(&mut content).message_count;
            *count = count.map(|count| count.saturating_sub(known).max(1));
        }
        Self {
            delivery: Delivery {
                content,
                ..self.delivery
            },
            attempts,
            keys: news,
            ..self
        }
    }

    /// Returns whether one of these messages is among those it tells of.
    pub(in crate::machine) fn tells_of(&self, messages: &[MessageKey]) -> bool {
        known(&self.keys, messages) > 0
    }

    /// Takes the content of the later message and the newer registration, and counts the messages of both. Returns the keys that found no room.
    pub(in crate::machine) fn absorb(&mut self, newer: Self) -> Vec<MessageKey> {
        let is_later = newer.missed_at >= self.missed_at;
        let known = known(&self.keys, &newer.keys);
        let message_count = counted(&self.delivery.content, &newer.delivery.content, known);
        let content = if is_later {
            &newer.delivery.content
        } else {
            &self.delivery.content
        };
        self.delivery = Delivery {
            trace: self.delivery.trace,
            content: Arc::new(Summary {
                message_count,
                ..(**content).clone()
            }),
            expires_at: self.delivery.expires_at.max(newer.delivery.expires_at),
            ..newer.delivery
        };
        self.missed_at = self.missed_at.max(newer.missed_at);
        self.attempts = self.attempts.joined(newer.attempts);
        self.holds.extend(newer.holds);
        self.echoes.extend(newer.echoes);
        add(&mut self.keys, newer.keys)
    }
}

/// Returns the slot of a registration and class.
pub(in crate::machine) fn slot(
    hash: Seeded,
    owner: &BareJid,
    target: &Target,
    class: Class,
) -> Slot {
    Slot {
        owner: hash.hash(owner),
        registration: hash.hash(&(target, class)),
    }
}

/// Returns the messages of both, of which `known` are the same.
fn counted(older: &Summary, newer: &Summary, known: usize) -> Option<u64> {
    let both = older.message_count.zip(newer.message_count);
    let sum = both.map(|(older, newer)| older.saturating_add(newer.saturating_sub(known as u64)));
    sum.or(newer.message_count)
}
