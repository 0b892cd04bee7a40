//! Per user, one question at the store; the rest waits in order.

use super::deadlines::Key;
use super::feed::Wake;
use super::requests::Asked;
use super::tickets::TicketId;
use super::{Due, Machine};
use crate::Timestamp;
use crate::action::{Action, Query};
use crate::event::{QueryId, StoreAnswer};
use crate::hash::{Seeded, SeededMap};
use crate::registration::Revision;
use crate::report::Report;
use crate::store::{Change, Committed, StoreError};
use crate::xep::error::DefinedCondition;
use crate::xep::push::RequestError;
use jid::BareJid;
use std::collections::VecDeque;
use std::time::Duration;

/// The longest pause between two questions for one user.
const MAX_RETRY: Duration = Duration::from_secs(30);

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
}

/// What a lane is doing.
#[derive(Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// Wants to ask the store; all workers are busy.
    Queued,
    Asking,
    /// The store failed; asked again later.
    Pausing,
}

#[derive(Debug)]
struct Lane {
    items: VecDeque<Item>,
    state: State,
    pause: Duration,
}

#[derive(Debug)]
struct Asking {
    owner: BareJid,
    query: Query,
    due: Key,
}

/// All lanes with something in them.
#[derive(Debug)]
pub(super) struct Lanes {
    by_owner: SeededMap<BareJid, Lane>,
    asking: SeededMap<QueryId, Asking>,
    /// Commits given up whose answer may still come: by then the cache and the adapter may be wrong.
    late: SeededMap<QueryId, BareJid>,
    queued: VecDeque<BareJid>,
    waiting: usize,
    drawn: u64,
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
    fn push(&mut self, owner: &BareJid, item: Item, pause: Duration) {
        let fresh = || Lane {
            items: VecDeque::new(),
            state: State::Idle,
            pause,
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

    fn pop(&mut self, owner: &BareJid) -> Option<Item> {
        let item = self.by_owner.get_mut(owner)?.items.pop_front()?;
        self.waiting -= 1;
        Some(item)
    }

    fn set(&mut self, owner: &BareJid, state: State) {
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
    fn requests(&mut self, owner: &BareJid) -> Vec<Asked> {
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

impl Machine {
    pub(super) fn enqueue(&mut self, now: Timestamp, owner: &BareJid, item: Item) {
        let pause = self.policy().store_retry;
        // A client waits for the answer.
        let urgent = matches!(item, Item::Request(_));
        self.lanes.push(owner, item, pause);
        if urgent {
            self.end_pause(owner);
        }
        self.serve(now, owner);
    }

    /// Works on a lane until it is empty or has to wait.
    fn serve(&mut self, now: Timestamp, owner: &BareJid) {
        loop {
            let Some(lane) = self.lanes.by_owner.get(owner) else {
                return;
            };
            if lane.state != State::Idle {
                return;
            }
            let query = match lane.items.front() {
                None => {
                    self.lanes.by_owner.remove(owner);
                    return;
                }
                Some(Item::Forget(_)) => Query::Commit(vec![Change::RemoveOwner {
                    owner: owner.clone(),
                }]),
                Some(Item::End { change, .. }) => Query::Commit(vec![change.clone()]),
                Some(Item::Wake(_) | Item::Request(_)) => {
                    let ttl = self.settings.policy.cache_ttl;
                    match self.cache.get(owner, now, ttl).cloned() {
                        None => Query::Load(owner.clone()),
                        Some(known) => match self.work(now, owner, &known) {
                            Some(changes) => Query::Commit(changes),
                            None => continue,
                        },
                    }
                }
            };
            return self.ask(now, owner, query);
        }
    }

    /// Does the first item of a lane whose account is known, or says which changes it needs first.
    fn work(
        &mut self,
        now: Timestamp,
        owner: &BareJid,
        known: &super::cache::Registrations,
    ) -> Option<Vec<Change>> {
        if let Some(Item::Request(asked)) = self
            .lanes
            .by_owner
            .get_mut(owner)
            .and_then(|lane| lane.items.front_mut())
        {
            let revision = Revision::new(rand_core::Rng::next_u64(&mut self.rng));
            let limit = self.settings.policy.registrations_per_user;
            let changes = asked.changes(owner, known, now, revision, limit);
            if !changes.is_empty() {
                return Some(changes);
            }
        }
        match self.lanes.pop(owner)? {
            Item::Wake(wake) => self.decide(now, owner.clone(), wake, known),
            Item::Request(asked) => self.request_done(owner, &asked, &[], &[]),
            Item::Forget(_) | Item::End { .. } => {}
        }
        None
    }

    fn ask(&mut self, now: Timestamp, owner: &BareJid, query: Query) {
        if self.lanes.asking.len() >= self.policy().workers {
            self.lanes.set(owner, State::Queued);
            return self.lanes.queued.push_back(owner.clone());
        }
        self.lanes.drawn += 1;
        let id = QueryId(self.lanes.drawn);
        let due = self
            .deadlines
            .set(now.after(self.policy().store_timeout), Due::Query(id));
        self.lanes.set(owner, State::Asking);
        self.lanes.asking.insert(
            id,
            Asking {
                owner: owner.clone(),
                query: query.clone(),
                due,
            },
        );
        self.actions.push_back(Action::Store { id, query });
    }

    pub(super) fn stored(
        &mut self,
        now: Timestamp,
        id: QueryId,
        result: Result<StoreAnswer, StoreError>,
    ) {
        if let Some(owner) = self.lanes.late.remove(&id) {
            return self.invalidate(&owner);
        }
        let Some(asking) = self.lanes.asking.remove(&id) else {
            return;
        };
        self.deadlines.cancel(asking.due);
        self.lanes.set(&asking.owner, State::Idle);
        match (result, asking.query) {
            (Ok(StoreAnswer::Loaded(loaded)), Query::Load(owner)) => {
                self.loaded(now, owner, loaded);
            }
            (Ok(StoreAnswer::Committed(done)), Query::Commit(changes)) => {
                self.committed(now, &asking.owner, &changes, &done);
            }
            (Err(error), query) => self.store_failed(now, &asking.owner, &query, &error),
            (Ok(_), query) => {
                let error = StoreError::Refused {
                    reason: "the store answered another question".into(),
                };
                self.store_failed(now, &asking.owner, &query, &error);
            }
        }
        self.serve(now, &asking.owner);
        self.next_queued(now);
    }

    pub(super) fn query_due(&mut self, now: Timestamp, id: QueryId) {
        let Some(asking) = self.lanes.asking.remove(&id) else {
            return;
        };
        if matches!(asking.query, Query::Commit(_)) {
            self.lanes.late.insert(id, asking.owner.clone());
        }
        self.lanes.set(&asking.owner, State::Idle);
        let error = StoreError::Unavailable {
            reason: "no answer in time".into(),
        };
        self.store_failed(now, &asking.owner, &asking.query, &error);
        self.serve(now, &asking.owner);
        self.next_queued(now);
    }

    /// The pause of a lane is over; not if it has ended before.
    pub(super) fn retry(&mut self, now: Timestamp, owner: &BareJid) {
        self.end_pause(owner);
        self.serve(now, owner);
    }

    fn end_pause(&mut self, owner: &BareJid) {
        let lane = self.lanes.by_owner.get_mut(owner);
        if let Some(lane) = lane.filter(|lane| lane.state == State::Pausing) {
            lane.state = State::Idle;
        }
    }

    fn next_queued(&mut self, now: Timestamp) {
        while self.lanes.asking.len() < self.policy().workers {
            let Some(owner) = self.lanes.queued.pop_front() else {
                return;
            };
            self.lanes.set(&owner, State::Idle);
            self.serve(now, &owner);
        }
    }

    fn loaded(&mut self, now: Timestamp, owner: BareJid, loaded: crate::store::Loaded) {
        if loaded.corrupt > 0 {
            self.report(Report::Corrupt {
                owner: owner.clone(),
                rows: loaded.corrupt,
            });
        }
        let account = loaded
            .accounts
            .into_iter()
            .find(|account| account.owner == owner);
        let account = account.unwrap_or_else(|| crate::Account::empty(owner));
        self.calm(&account.owner);
        self.cache
            .put(account, now, self.settings.policy.cache_bytes);
    }

    fn committed(
        &mut self,
        now: Timestamp,
        owner: &BareJid,
        changes: &[Change],
        done: &[Committed],
    ) {
        self.calm(owner);
        match self.lanes.pop(owner) {
            Some(Item::Request(asked)) => self.request_done(owner, &asked, changes, done),
            Some(Item::Forget(ticket)) => {
                self.cache.put(
                    crate::Account::empty(owner.clone()),
                    now,
                    self.settings.policy.cache_bytes,
                );
                self.report(Report::Forgotten {
                    owner: owner.clone(),
                });
                self.release(&[ticket]);
            }
            Some(Item::End {
                change: Change::Remove { target, .. },
                condition,
            }) => {
                if done.contains(&Committed::Removed(1)) {
                    self.apply(owner, changes);
                    self.withdraw_publishes(owner, |other| *other == target);
                    self.report(Report::Ended {
                        owner: owner.clone(),
                        target,
                        condition,
                    });
                } else {
                    // Enabled anew meanwhile, perhaps through another instance.
                    self.cache.forget(owner);
                }
            }
            Some(Item::Wake(_) | Item::End { .. }) | None => {}
        }
    }

    /// Requests are refused at once, everything else is asked again later.
    fn store_failed(&mut self, now: Timestamp, owner: &BareJid, query: &Query, error: &StoreError) {
        self.report(Report::StoreFailed {
            error: error.to_string(),
        });
        if matches!(query, Query::Commit(_)) {
            self.cache.forget(owner);
        }
        let refusal = match error {
            StoreError::Unavailable { .. } => RequestError::Unavailable,
            _ => RequestError::Refused,
        };
        for asked in self.lanes.requests(owner) {
            self.refuse(owner, &asked.reply, &refusal);
        }
        let Some(lane) = self
            .lanes
            .by_owner
            .get_mut(owner)
            .filter(|lane| !lane.items.is_empty())
        else {
            return;
        };
        lane.state = State::Pausing;
        let due = now.after(lane.pause);
        lane.pause = (lane.pause * 2).min(MAX_RETRY);
        self.deadlines.set(due, Due::Retry(owner.clone()));
    }

    /// The store works: the next fault begins with a short pause again.
    fn calm(&mut self, owner: &BareJid) {
        let pause = self.settings.policy.store_retry;
        if let Some(lane) = self.lanes.by_owner.get_mut(owner) {
            lane.pause = pause;
        }
    }
}
