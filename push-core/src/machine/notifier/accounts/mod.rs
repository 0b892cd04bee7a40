//! Users: what is to be done for each of them, in order, and what is known of their registrations.

mod cache;
mod found;
mod lane;
mod queries;
mod request;
#[cfg(test)]
mod tests;

pub(super) use request::{check, outcome, revocation};

use crate::action::Query;
use crate::event::StoreAnswer;
use crate::hash::{Seeded, SeededMap};
use crate::ids::{EventHold, HostId, QueryId, TraceId};
use crate::machine::deadlines::Deadlines;
use crate::machine::values::{ClientRequest, Item, Pending, Registrations};
use crate::registration::Revision;
use crate::report::Report;
use crate::store::{Change, Committed, Loaded, StoreError};
use crate::xep::push::RequestError;
use crate::{Account, Policy, Timestamp};
use cache::Cache;
use found::Follows;
use jid::BareJid;
use lane::{Lane, State};
use queries::{Answered, Overdue, Queries, Question};
use rand_chacha::ChaCha8Rng;
use rand_core::Rng;
use std::collections::VecDeque;

/// A lane for each user for whom there is something to do, a cache of accounts, and the questions to the store.
///
/// Of one user at most one question is asked at a time; what comes meanwhile waits in their lane.
#[derive(Debug)]
pub(super) struct Accounts {
    lanes: SeededMap<BareJid, Lane>,
    cache: Cache,
    queries: Queries,
    /// Steps that whoever asks has to take next.
    steps: VecDeque<Step>,
    /// How many items there are: in the lanes, and with commits that the store has not answered.
    waiting: usize,
    pauses: Deadlines<BareJid>,
    rng: ChaCha8Rng,
}

/// Something to do.
#[derive(Debug)]
pub(super) enum Step {
    /// Ask the store.
    Ask(QueryId, Query),
    /// Decide about a missed message of a user with these registrations.
    Decide(BareJid, Pending, Registrations),
    /// The store has made the changes that an item needed.
    Done {
        owner: BareJid,
        item: Item,
        changes: Vec<Change>,
        /// The effect of each of them.
        done: Vec<Committed>,
    },
    /// The store has not, and the client is not to wait for it.
    Refuse(BareJid, ClientRequest, RequestError),
    /// Others may have been told something wrong of this user's account.
    Distrust(BareJid),
    Report(Report),
}

impl Accounts {
    pub(super) fn new(hash: Seeded, rng: ChaCha8Rng) -> Self {
        Self {
            lanes: hash.map(),
            cache: Cache::new(hash),
            queries: Queries::new(hash),
            steps: VecDeque::new(),
            waiting: 0,
            pauses: Deadlines::new(),
            rng,
        }
    }

    /// Takes an item, to be done after what there is for `owner`. Returns the trace of the pending notification that has
    /// absorbed it, if one has.
    pub(super) fn push(
        &mut self,
        now: Timestamp,
        owner: &BareJid,
        item: Item,
        policy: &Policy,
    ) -> Option<TraceId> {
        if !self.lanes.contains_key(owner) {
            self.lanes.insert(owner.clone(), Lane::default());
        }
        let lane = self.lanes.get_mut(owner)?;
        if let (Item::Request(_), Some(due)) = (&item, lane.pausing()) {
            // A client waits: the store is asked at once, whatever it said last.
            self.pauses.cancel(due);
            lane.set(State::Idle);
        }
        let absorbed = lane.push(item, policy.held_per_notification);
        self.waiting += usize::from(absorbed.is_none());
        self.serve(now, owner, policy);
        absorbed
    }

    /// Returns what has to be done next.
    pub(super) fn next(&mut self, now: Timestamp, policy: &Policy) -> Option<Step> {
        let step = self.steps.pop_front();
        step.or_else(|| {
            let (id, query) = self.queries.next(now, policy)?;
            Some(Step::Ask(id, query))
        })
    }

    /// Takes an answer of the store.
    pub(super) fn answered(
        &mut self,
        now: Timestamp,
        id: QueryId,
        result: Result<StoreAnswer, StoreError>,
        policy: &Policy,
    ) {
        match self.queries.answered(id) {
            Answered::Question(question) => self.settle(now, *question, result, policy),
            Answered::Late(owner) => self.distrust(owner),
            Answered::Unknown => {}
        }
    }

    pub(super) fn tick(&mut self, now: Timestamp, policy: &Policy) {
        while let Some(owner) = self.pauses.pop_due(now) {
            if let Some(lane) = self.lanes.get_mut(&owner) {
                lane.set(State::Idle);
            }
            self.serve(now, &owner, policy);
        }
        while let Some(overdue) = self.queries.tick(now, policy) {
            match overdue {
                Overdue::Unanswered(question) => {
                    self.settle(now, *question, Err(queries::no_answer()), policy);
                }
                Overdue::Certain(owner, again) if again.is_empty() => self.distrust(owner),
                Overdue::Certain(owner, again) => {
                    self.push(now, &owner, Item::RemoveAgain(again), policy);
                    self.distrust(owner);
                }
            }
        }
    }

    /// Does what can be done for `owner` now: nothing while a question of theirs is asked.
    fn serve(&mut self, now: Timestamp, owner: &BareJid, policy: &Policy) {
        while let Some(lane) = self.lanes.get_mut(owner) {
            if !lane.is_idle() {
                return;
            }
            let Some(item) = lane.first() else {
                self.lanes.remove(owner);
                return;
            };
            let changes = if let Some(changes) = item.changes() {
                changes
            } else {
                let trusted = policy.account_ttl();
                // A change's revision must be after every existing one: where others write to the store, it is asked first.
                let loaded = lane.is_loaded();
                let fresh = trusted.is_none() || loaded || !item.draws_revision();
                let ttl = trusted.filter(|_| !loaded);
                let known = self.cache.get(owner, now, ttl).filter(|_| fresh);
                let Some(known) = known.cloned() else {
                    return self.ask(owner, Query::Load(owner.clone()), None);
                };
                let Some(changes) = self.with_account(now, owner, known, policy) else {
                    continue;
                };
                changes
            };
            let item = self.lanes.get_mut(owner).and_then(Lane::pop);
            return self.ask(owner, Query::Commit(changes), item);
        }
    }

    fn ask(&mut self, owner: &BareJid, query: Query, item: Option<Item>) {
        if let Some(lane) = self.lanes.get_mut(owner) {
            lane.set(State::Asking);
        }
        let question = Question::new(owner.clone(), query, item);
        self.queries.push(question);
    }

    /// Does the first item of a lane, now that the account is known, or returns the changes it needs.
    fn with_account(
        &mut self,
        now: Timestamp,
        owner: &BareJid,
        known: Registrations,
        policy: &Policy,
    ) -> Option<Vec<Change>> {
        let lane = self.lanes.get_mut(owner)?;
        if let Item::Found(found) = lane.first()? {
            match found::follows(found, owner, &known, &policy.status) {
                Follows::Write(change) => return Some(vec![change]),
                Follows::Remember(change) => {
                    self.cache.update(owner, &[change], &[Committed::Settled]);
                }
                Follows::Nothing => {}
            }
        }
        if let Item::Pending(_) | Item::Found(_) = lane.first()? {
            self.waiting -= 1;
            if let Item::Pending(pending) = lane.pop()? {
                let step = Step::Decide(owner.clone(), pending, known);
                self.steps.push_back(step);
            }
            return None;
        }
        let entropy = self.rng.next_u64();
        let revision = Revision::draw(now, entropy, known.iter().map(|have| have.revision));
        Some(match lane.first_mut()? {
            Item::Request(asked) => request::changes(asked, owner, &known, revision, now, policy),
            _ => vec![Change::RemoveOwner {
                owner: owner.clone(),
                up_to: revision,
            }],
        })
    }

    /// Goes on with the answer to a question.
    fn settle(
        &mut self,
        now: Timestamp,
        question: Question,
        result: Result<StoreAnswer, StoreError>,
        policy: &Policy,
    ) {
        let (owner, query, item) = question.into_parts();
        let lane = self.lanes.get_mut(&owner);
        let is_outdated = lane.is_some_and(|lane| {
            lane.set(State::Idle);
            lane.take_outdated()
        });
        match (query, result) {
            // It is asked again.
            (Query::Load(_), Ok(_)) if is_outdated => {}
            (Query::Load(_), Ok(StoreAnswer::Loaded(loaded))) => {
                self.loaded(now, &owner, loaded, policy);
            }
            (Query::Commit(changes), Ok(StoreAnswer::Committed(done))) => {
                self.committed(&owner, changes, done, item);
            }
            (query, result) => {
                let error = result.err().unwrap_or_else(queries::other_answer);
                let is_status = found::is_status(&query);
                if matches!(query, Query::Commit(_)) && !is_status {
                    self.cache.forget(&owner);
                    self.queries.doubt(now, &owner, policy);
                }
                self.waiting -= usize::from(is_status);
                let item = item.filter(|_| !is_status);
                self.failed(now, &owner, item, &error, policy);
            }
        }
        self.serve(now, &owner, policy);
    }

    fn loaded(&mut self, now: Timestamp, owner: &BareJid, loaded: Loaded, policy: &Policy) {
        let mut accounts = loaded.accounts.into_iter();
        let account = accounts.find(|account| account.owner == *owner);
        let mut account = account.unwrap_or_else(|| Account::empty(owner.clone()));
        let rows = loaded.corrupt + account.leave_out_sealed();
        if rows > 0 {
            let owner = owner.clone();
            self.steps
                .push_back(Step::Report(Report::Corrupt { owner, rows }));
        }
        if let Some(lane) = self.lanes.get_mut(owner) {
            lane.loaded();
        }
        self.cache.put(account, now, policy.cache_bytes);
    }

    fn committed(
        &mut self,
        owner: &BareJid,
        changes: Vec<Change>,
        done: Vec<Committed>,
        item: Option<Item>,
    ) {
        if let Some(lane) = self.lanes.get_mut(owner) {
            lane.answered();
        }
        self.cache.update(owner, &changes, &done);
        self.queries.acknowledged(owner, &changes);
        self.waiting -= usize::from(item.is_some());
        let step = item.map(|item| Step::Done {
            owner: owner.clone(),
            item,
            changes,
            done,
        });
        self.steps.extend(step);
    }

    /// The store did not do what was asked: requests are refused, everything else is asked again after a pause.
    fn failed(
        &mut self,
        now: Timestamp,
        owner: &BareJid,
        item: Option<Item>,
        error: &StoreError,
        policy: &Policy,
    ) {
        let report = Report::StoreFailed {
            error: error.to_string(),
        };
        self.steps.push_back(Step::Report(report));
        let Some(lane) = self.lanes.get_mut(owner) else {
            return;
        };
        if let Some(item) = item {
            lane.put_back(item);
        }
        for request in lane.take_requests() {
            self.waiting -= 1;
            let step = Step::Refuse(owner.clone(), request, request::refusal(error));
            self.steps.push_back(step);
        }
        if !lane.is_empty() {
            let until = now.after(lane.next_pause(policy.store_retry));
            lane.set(State::Pausing(self.pauses.set(until, owner.clone())));
        }
    }

    /// Forgets what is known of an account, and makes others forget it: it may be wrong.
    fn distrust(&mut self, owner: BareJid) {
        self.forget(&owner);
        self.steps.push_back(Step::Distrust(owner));
    }

    /// Forgets what is known of an account, and what the store is about to say of it.
    pub(super) fn forget(&mut self, owner: &BareJid) {
        self.cache.forget(owner);
        if let Some(lane) = self.lanes.get_mut(owner) {
            lane.outdate();
        }
    }

    /// Takes out the missed messages of a user.
    pub(super) fn take_pending(&mut self, owner: &BareJid) -> Vec<Pending> {
        let lane = self.lanes.get_mut(owner);
        let taken = lane.map(|lane| lane.take_pending(|_| true));
        let taken = taken.unwrap_or_default();
        self.waiting -= taken.len();
        taken
    }

    /// Takes out the missed messages of a host's users.
    pub(super) fn take_pending_of(&mut self, host: HostId) -> Vec<Pending> {
        self.take_everywhere(|pending| pending.host == host)
    }

    /// Takes out what the adapters will tell again; returns the events.
    pub(super) fn abandon(&mut self) -> Vec<EventHold> {
        let abandoned = self.take_everywhere(|pending| !pending.holds.is_empty());
        self.lanes.retain(|_, lane| match lane.pausing() {
            Some(due) if lane.is_empty() => {
                self.pauses.cancel(due);
                false
            }
            _ => true,
        });
        abandoned
            .into_iter()
            .flat_map(|pending| pending.holds)
            .collect()
    }

    fn take_everywhere(&mut self, which: impl Fn(&Pending) -> bool) -> Vec<Pending> {
        let lanes = self.lanes.values_mut();
        let taken: Vec<Pending> = lanes.flat_map(|lane| lane.take_pending(&which)).collect();
        self.waiting -= taken.len();
        taken
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        let (pause, query) = (self.pauses.next(), self.queries.next_deadline());
        pause.into_iter().chain(query).min()
    }
}
