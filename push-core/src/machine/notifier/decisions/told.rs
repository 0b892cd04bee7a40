//! Which messages a registration was told of: one message may be missed for several causes.

use super::remembered::Remembered;
use crate::Timestamp;
use crate::hash::Seeded;
use crate::machine::values::{MessageKey, Pending};
use crate::registration::{Registration, Target};
use crate::session::Cause;
use std::time::Duration;

/// Messages that registrations were told of, for a while and within a bound.
#[derive(Debug)]
pub(super) struct Told {
    /// Of (message, registration).
    marks: Remembered<Mark>,
    hash: Seeded,
}

/// A message that a registration was told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    reached: Stage,
    /// The delivery waits at its adapter, which will tell it again.
    is_deferred: bool,
}

/// How far a message has come on its way to a device, in the order in which servers tell of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// It was archived, or concerns a session of another resource: that may be told at any time.
    Aside,
    /// It waits in the device's own session.
    Held,
    /// That session has ended.
    Lost,
    /// It waits for the next session.
    Offline,
}

impl Stage {
    fn of(pending: &Pending, registration: &Registration) -> Self {
        let resource = registration.resource.as_deref();
        let is_own = resource.is_some() && pending.resource.as_deref() == resource;
        match pending.cause {
            Cause::Offline => Self::Offline,
            Cause::Queued | Cause::Unacked if is_own => Self::Held,
            Cause::Lost if is_own => Self::Lost,
            _ => Self::Aside,
        }
    }

    /// Returns whether a message that has come so far is missed once more at the stage `next`: the device's own session has it
    /// again, so the device was back.
    fn begins_again(self, next: Self) -> bool {
        matches!(next, Self::Held | Self::Lost) && next <= self
    }
}

impl Told {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            marks: Remembered::new(hash),
            hash,
        }
    }

    /// Returns the messages that the registration was not told of.
    pub(super) fn news(&self, pending: &Pending, registration: &Registration) -> Vec<MessageKey> {
        let stage = Stage::of(pending, registration);
        let is_news = |mark: Mark| match pending.retry {
            Some(_) => mark.is_deferred,
            None => !pending.is_replay && mark.reached.begins_again(stage),
        };
        let keys = pending.keys.iter().copied();
        let news = keys.filter(|key| {
            let mark = self.marks.get(self.place(*key, &registration.target));
            mark.is_none_or(is_news)
        });
        news.collect()
    }

    /// Remembers that the registration knows all of the messages now, of which these are `news`.
    pub(super) fn learn(
        &mut self,
        pending: &Pending,
        registration: &Registration,
        news: &[MessageKey],
    ) {
        let stage = Stage::of(pending, registration);
        for key in &pending.keys {
            let place = self.place(*key, &registration.target);
            let before = self.marks.get(place);
            let mark = match before.filter(|_| !news.contains(key)) {
                Some(known) => Mark {
                    reached: known.reached.max(stage),
                    ..known
                },
                None => Mark {
                    reached: stage,
                    is_deferred: false,
                },
            };
            // A mark that says nothing new grows no younger.
            if before != Some(mark) {
                self.marks.insert(place, mark);
            }
        }
    }

    /// Notes that the registration at `target` has yet to be told of `messages`, though they count as told.
    pub(super) fn defer(&mut self, messages: &[MessageKey], target: &Target) {
        for key in messages {
            let place = self.place(*key, target);
            if let Some(mark) = self.marks.get(place) {
                let is_deferred = true;
                self.marks.insert(
                    place,
                    Mark {
                        is_deferred,
                        ..mark
                    },
                );
            }
        }
    }

    /// Forgets that the registration at `target` was told of `messages`.
    pub(super) fn forget(&mut self, messages: &[MessageKey], target: &Target) {
        for key in messages {
            self.marks.remove(self.place(*key, target));
        }
    }

    /// Forgets what is older than the window or over the bound.
    pub(super) fn age(&mut self, now: Timestamp, window: Duration, entries: usize) {
        self.marks.age(now, window, entries);
    }

    fn place(&self, key: MessageKey, target: &Target) -> u64 {
        self.hash.hash(&(target, key))
    }
}
