//! The things to do for one user.

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
    items: VecDeque<Item>,
    state: State,
    /// How long the last pause was; `None` when the store has answered since.
    pause: Option<Duration>,
    /// The account was loaded on behalf of the first item.
    loaded: bool,
    /// The account was changed by somebody else after it was asked for.
    is_outdated: bool,
}

#[derive(Clone, Copy, Debug, Default)]
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
    /// not across a request, the end of the account, or what another cause tells of the same message: causes are decided on in
    /// their order. Nor into one that tells of `most` events.
    pub(super) fn push(&mut self, item: Item, most: usize) -> Option<TraceId> {
        let Item::Pending(newer) = item else {
            self.items.push_back(item);
            return None;
        };
        let mut behind_all_else = self.items.iter_mut().rev().map_while(|item| match item {
            Item::Pending(pending) => Some(pending),
            _ => None,
        });
        let nearest =
            behind_all_else.find(|older| older.is_like(&newer) || older.shares_messages(&newer));
        let joins = |older: &&mut Pending| older.is_like(&newer) && older.holds.len() < most;
        if let Some(older) = nearest.filter(joins) {
            older.absorb(newer);
            return Some(older.trace);
        }
        self.items.push_back(Item::Pending(newer));
        None
    }

    pub(super) fn first(&self) -> Option<&Item> {
        self.items.front()
    }

    pub(super) fn first_mut(&mut self) -> Option<&mut Item> {
        self.items.front_mut()
    }

    /// Takes the first item.
    pub(super) fn pop(&mut self) -> Option<Item> {
        self.loaded = false;
        self.items.pop_front()
    }

    /// Makes an item the first again.
    pub(super) fn put_back(&mut self, item: Item) {
        self.items.push_front(item);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn set(&mut self, state: State) {
        self.state = state;
    }

    pub(super) fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Returns the deadline of the pause, if there is one.
    pub(super) fn pausing(&self) -> Option<Key> {
        match self.state {
            State::Pausing(due) => Some(due),
            State::Idle | State::Asking => None,
        }
    }

    /// Marks the answer that is awaited as out of date.
    pub(super) fn outdate(&mut self) {
        self.is_outdated = matches!(self.state, State::Asking);
    }

    /// Returns whether the answer that has come was out of date before it came.
    pub(super) fn take_outdated(&mut self) -> bool {
        std::mem::take(&mut self.is_outdated)
    }

    /// The store has answered.
    pub(super) fn answered(&mut self) {
        self.pause = None;
    }

    /// The store has answered with the account.
    pub(super) fn loaded(&mut self) {
        self.answered();
        self.loaded = true;
    }

    /// Returns whether the account was loaded on behalf of the first item.
    pub(super) fn is_loaded(&self) -> bool {
        self.loaded
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::sample::{key, pending};
    use crate::session::Cause;

    /// Puts in what tells of these messages for a cause. Returns whether it was joined with what waits.
    fn push(lane: &mut Lane, cause: Cause, numbers: &[u64]) -> bool {
        let keys = numbers.iter().map(|number| key(*number)).collect();
        let pending = Pending {
            cause,
            keys,
            ..pending(0)
        };
        lane.push(Item::Pending(pending), 3).is_some()
    }

    #[test]
    fn one_that_tells_of_enough_events_is_joined_by_no_more() {
        let mut lane = Lane::default();
        let joined = [1, 2, 3, 4, 5].map(|number| push(&mut lane, Cause::Offline, &[number]));
        assert_eq!(joined, [false, true, true, false, true]);
    }

    #[test]
    fn what_another_cause_tells_of_the_same_message_is_not_overtaken() {
        let mut lane = Lane::default();
        assert!(!push(&mut lane, Cause::Offline, &[1]));
        assert!(!push(&mut lane, Cause::Queued, &[2]));
        assert!(push(&mut lane, Cause::Offline, &[3]), "not the same");
        assert!(!push(&mut lane, Cause::Offline, &[2]));
    }
}
