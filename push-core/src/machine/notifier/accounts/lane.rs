//! What is to be done for one user.

use crate::ids::TraceId;
use crate::machine::deadlines::Key;
use crate::machine::values::{ClientRequest, Item, Pending};
use std::collections::VecDeque;
use std::time::Duration;

/// The longest pause between two questions for one user.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// Items in order, and what keeps the first of them from being done.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) items: VecDeque<Item>,
    pub(super) state: State,
    /// How long the last pause was; `None` when the store has answered since.
    pub(super) pause: Option<Duration>,
    /// The account was loaded on behalf of the first item.
    pub(super) loaded: bool,
}

#[derive(Debug, Default)]
pub(super) enum State {
    #[default]
    Idle,
    /// A question is asked, or waits for its turn at the store.
    Asking,
    /// The store has failed; until the deadline it is not asked again.
    Pausing(Key),
}

impl Lane {
    /// Puts an item at the end. A pending notification goes into a like one that waits already, whose trace is returned; but
    /// not across a request or the end of the account.
    pub(super) fn push(&mut self, item: Item) -> Option<TraceId> {
        let Item::Pending(newer) = item else {
            self.items.push_back(item);
            return None;
        };
        let behind_all_else = self.items.iter_mut().rev().map_while(|item| match item {
            Item::Pending(pending) => Some(pending),
            _ => None,
        });
        let mut like = behind_all_else.filter(|older| older.is_like(&newer));
        if let Some(older) = like.next() {
            older.absorb(newer);
            return Some(older.trace);
        }
        self.items.push_back(Item::Pending(newer));
        None
    }

    /// Returns the next pause, which doubles from `first` on.
    pub(super) fn next_pause(&mut self, first: Duration) -> Duration {
        let pause = self.pause.map_or(first, |last| (last * 2).min(MAX_PAUSE));
        self.pause = Some(pause);
        pause
    }

    /// Takes out the pending notifications that are meant.
    pub(super) fn take_pending(&mut self, which: impl Fn(&Pending) -> bool) -> Vec<Pending> {
        let mut taken = Vec::new();
        for item in std::mem::take(&mut self.items) {
            match item {
                Item::Pending(pending) if which(&pending) => taken.push(pending),
                other => self.items.push_back(other),
            }
        }
        taken
    }

    /// Takes out the requests.
    pub(super) fn take_requests(&mut self) -> Vec<ClientRequest> {
        let mut taken = Vec::new();
        for item in std::mem::take(&mut self.items) {
            match item {
                Item::Request(request) => taken.push(request),
                other => self.items.push_back(other),
            }
        }
        taken
    }
}
