//! Per user, one question at the store; the rest waits in order.

use super::deadlines::Key;
use super::feed::Wake;
use super::requests::Asked;
use super::tickets::TicketId;
use crate::action::Query;
use crate::event::QueryId;
use crate::hash::{Seeded, SeededMap};
use crate::store::Change;
use crate::xep::error::DefinedCondition;
use jid::BareJid;
use std::collections::VecDeque;
use std::time::Duration;

/// Something to do for a user.
#[derive(Debug)]
pub(super) enum Item {
    /// A client's request.
    Request(Asked),
    /// A missed message.
    Wake(Wake),
    /// The account is gone, or new.
    Forget(TicketId),
    /// The push service has ended a registration.
    End {
        /// Guarded by the revision it was published for.
        change: Change,
        /// What the push service said.
        condition: DefinedCondition,
    },
    /// Removals that something late may have undone.
    Again(Vec<Change>),
}

/// What a lane is doing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    Idle,
    /// Wants to ask the store; all workers are busy.
    Queued,
    Asking,
    /// The store failed; asked again later.
    Pausing,
}

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) items: VecDeque<Item>,
    pub(super) state: State,
    pub(super) pause: Duration,
    /// The account was asked for on behalf of the first item.
    pub(super) fresh: bool,
}

#[derive(Debug)]
pub(super) struct Asking {
    pub(super) owner: BareJid,
    pub(super) query: Query,
    pub(super) due: Key,
}

/// All lanes with something in them.
#[derive(Debug)]
pub(super) struct Lanes {
    pub(super) by_owner: SeededMap<BareJid, Lane>,
    pub(super) asking: SeededMap<QueryId, Asking>,
    /// Commits given up whose answer may still come: by then the cache and the adapter may be wrong.
    pub(super) late: SeededMap<QueryId, BareJid>,
    pub(super) queued: VecDeque<BareJid>,
    pub(super) waiting: usize,
    pub(super) drawn: u64,
}

impl Lanes {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            by_owner: hash.map(),
            asking: hash.map(),
            late: hash.map(),
            queued: VecDeque::new(),
            waiting: 0,
            drawn: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_owner.is_empty()
    }

    /// How many items wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Puts an item into its lane; a waiting wake-up absorbs a newer one of its kind.
    pub(super) fn push(&mut self, owner: &BareJid, item: Item, pause: Duration) {
        let fresh = || Lane {
            items: VecDeque::new(),
            state: State::Idle,
            pause,
            fresh: false,
        };
        let lane = self.by_owner.entry(owner.clone()).or_insert_with(fresh);
        let Item::Wake(newer) = item else {
            self.waiting += 1;
            return lane.items.push_back(item);
        };
        // Not across a request or the end of the account: what came before it stays before it.
        let wakes = lane.items.iter_mut().rev().map_while(|item| match item {
            Item::Wake(wake) => Some(wake),
            _ => None,
        });
        if let Some(wake) = wakes.into_iter().find(|wake| wake.absorbs(&newer)) {
            wake.absorb(newer);
        } else {
            self.waiting += 1;
            lane.items.push_back(Item::Wake(newer));
        }
    }

    pub(super) fn pop(&mut self, owner: &BareJid) -> Option<Item> {
        let lane = self.by_owner.get_mut(owner)?;
        lane.fresh = false;
        let item = lane.items.pop_front()?;
        self.waiting -= 1;
        Some(item)
    }

    pub(super) fn set(&mut self, owner: &BareJid, state: State) {
        if let Some(lane) = self.by_owner.get_mut(owner) {
            lane.state = state;
        }
    }

    /// Lets go of all missed messages that were acknowledgeable; returns their tickets.
    pub(super) fn abandon(&mut self) -> Vec<TicketId> {
        let mut tickets = Vec::new();
        for lane in self.by_owner.values_mut() {
            let before = lane.items.len();
            lane.items.retain(|item| match item {
                Item::Wake(wake) if !wake.tickets.is_empty() => {
                    tickets.extend(&wake.tickets);
                    false
                }
                _ => true,
            });
            self.waiting -= before - lane.items.len();
        }
        // A lane that is at the store or pausing goes when that ends.
        self.by_owner
            .retain(|_, lane| lane.state != State::Pausing || !lane.items.is_empty());
        tickets
    }

    /// Takes the missed messages out of a lane.
    pub(super) fn take_wakes(&mut self, owner: &BareJid) -> Vec<Wake> {
        let Some(lane) = self.by_owner.get_mut(owner) else {
            return Vec::new();
        };
        let (wakes, rest): (VecDeque<Item>, _) = std::mem::take(&mut lane.items)
            .into_iter()
            .partition(|item| matches!(item, Item::Wake(_)));
        lane.items = rest;
        self.waiting -= wakes.len();
        let wake = |item| match item {
            Item::Wake(wake) => Some(wake),
            _ => None,
        };
        wakes.into_iter().filter_map(wake).collect()
    }

    /// Takes the requests out of a lane.
    pub(super) fn requests(&mut self, owner: &BareJid) -> Vec<Asked> {
        let Some(lane) = self.by_owner.get_mut(owner) else {
            return Vec::new();
        };
        let (requests, rest): (VecDeque<Item>, _) = std::mem::take(&mut lane.items)
            .into_iter()
            .partition(|item| matches!(item, Item::Request(_)));
        lane.items = rest;
        self.waiting -= requests.len();
        let asked = |item| match item {
            Item::Request(asked) => Some(asked),
            _ => None,
        };
        requests.into_iter().filter_map(asked).collect()
    }
}
