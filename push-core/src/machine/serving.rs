//! Work on the lanes: one question per user at the store, and what its answer brings.

use super::cache::Registrations;
use super::lanes::{Asking, Item, State};
use super::{Due, Machine};
use crate::Timestamp;
use crate::action::{Action, Query};
use crate::event::{QueryId, StoreAnswer};
use crate::registration::Revision;
use crate::report::Report;
use crate::store::{Change, Committed, StoreError};
use crate::xep::push::RequestError;
use jid::BareJid;
use std::time::Duration;

/// The longest pause between two questions for one user.
const MAX_RETRY: Duration = Duration::from_secs(30);

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
                Some(Item::End { change, .. }) => Query::Commit(vec![change.clone()]),
                Some(Item::Again(changes)) => Query::Commit(changes.clone()),
                Some(item @ (Item::Wake(_) | Item::Request(_) | Item::Forget(_))) => {
                    let fresh = lane.fresh || matches!(item, Item::Wake(_));
                    match self.known(now, owner, fresh) {
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

    /// What is known of an account. Where others write to the store, what changes it must be `fresh`: its revision has to be
    /// after all there are.
    fn known(&mut self, now: Timestamp, owner: &BareJid, fresh: bool) -> Option<Registrations> {
        let ttl = self.account_ttl();
        let known = self.cache.get(owner, now, ttl).cloned();
        known.filter(|_| fresh || ttl.is_none())
    }

    /// Does the first item of a lane whose account is known, or says which changes it needs first.
    fn work(
        &mut self,
        now: Timestamp,
        owner: &BareJid,
        known: &Registrations,
    ) -> Option<Vec<Change>> {
        let first = self.lanes.by_owner.get_mut(owner)?.items.front_mut()?;
        if let Item::Wake(_) = first {
            if let Some(Item::Wake(wake)) = self.lanes.pop(owner) {
                self.decide(now, owner.clone(), wake, known);
            }
            return None;
        }
        let entropy = rand_core::Rng::next_u64(&mut self.rng);
        let revision = Revision::draw(now, entropy, known.iter().map(|have| have.revision));
        match first {
            Item::Request(asked) => {
                let limit = self.settings.policy.registrations_per_user;
                Some(asked.changes(owner, known, now, revision, limit))
            }
            _ => Some(vec![Change::RemoveOwner {
                owner: owner.clone(),
                up_to: revision,
            }]),
        }
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
        let account = loaded
            .accounts
            .into_iter()
            .find(|account| account.owner == owner);
        let mut account = account.unwrap_or_else(|| crate::Account::empty(owner.clone()));
        let rows = loaded.corrupt + leave_out_sealed(&mut account);
        if rows > 0 {
            self.report(Report::Corrupt { owner, rows });
        }
        self.calm(&account.owner);
        if let Some(lane) = self.lanes.by_owner.get_mut(&account.owner) {
            lane.fresh = true;
        }
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
        self.remember_removals(owner, changes);
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
            Some(Item::Again(_)) => self.invalidate(owner),
            Some(Item::Wake(_) | Item::End { .. }) | None => {}
        }
        if done.contains(&Committed::Superseded) {
            self.cache.forget(owner);
        }
    }

    /// Requests are refused at once, everything else is asked again later.
    fn store_failed(&mut self, now: Timestamp, owner: &BareJid, query: &Query, error: &StoreError) {
        self.report(Report::StoreFailed {
            error: error.to_string(),
        });
        if matches!(query, Query::Commit(_)) {
            self.cache.forget(owner);
            self.doubt(now, owner);
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

/// Takes out what the store did not open: published without its options, a push service would answer that the
/// registration is wrong, and end it. Returns how many went.
fn leave_out_sealed(account: &mut crate::Account) -> usize {
    let before = account.registrations.len();
    account
        .registrations
        .retain(|have| have.options.as_sealed().is_none());
    before - account.registrations.len()
}
