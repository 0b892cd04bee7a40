//! What others write to the store: instances beside this one, and commits of our own that were given up.
//!
//! What another instance wrote is honoured within [`Policy::cache_ttl`](crate::Policy): accounts are believed for half of it, and
//! adapters are let believe for the other half that a user has no registration.
//!
//! A commit that was given up may still happen. Of two enables, and of a removal and a later enable, the store lets the later revision
//! prevail; what it cannot know is that a registration was removed before it came. So a removal that was acknowledged within
//! that time is done once more at its end.

use super::lanes::Item;
use super::{Due, Machine};
use crate::Timestamp;
use crate::hash::{Seeded, SeededMap};
use crate::store::Change;
use jid::BareJid;
use std::time::Duration;

/// A commit given up is over after so many times the store's time-out.
const SETTLED: u32 = 2;

/// Users of whom a commit was given up, and what is to be removed once more.
#[derive(Debug)]
pub(super) struct Doubts(SeededMap<BareJid, Vec<Change>>);

impl Doubts {
    pub(super) fn new(hash: Seeded) -> Self {
        Self(hash.map())
    }
}

impl Machine {
    /// How long a cached account is believed.
    pub(super) fn account_ttl(&self) -> Option<Duration> {
        self.policy().cache_ttl.map(|ttl| ttl / 2)
    }

    /// The adapter of `host` is being told that a user has none, which another instance may change.
    pub(super) fn believe_for_now(&mut self, now: Timestamp, host: usize) {
        let Some(ttl) = self
            .account_ttl()
            .filter(|_| self.hosts[host].forget_at.is_none())
        else {
            return;
        };
        let due = self.deadlines.set(now.after(ttl), Due::ForgetUsers(host));
        self.hosts[host].forget_at = Some(due);
    }

    pub(super) fn forget_users(&mut self, host: usize) {
        let host = &mut self.hosts[host];
        host.forget_at = None;
        if host.is_attached() || host.session.is_some() {
            host.statements.clear();
            host.reset = true;
        } else {
            // The number differs from the adapter's now: it will forget what it believes.
            host.statements_sent += 1;
        }
    }

    /// A commit of this user failed, which does not say that it will not happen.
    pub(super) fn doubt(&mut self, now: Timestamp, owner: &BareJid) {
        if self.doubts.0.contains_key(owner) {
            return;
        }
        self.doubts.0.insert(owner.clone(), Vec::new());
        let due = now.after(self.policy().store_timeout * SETTLED);
        self.deadlines.set(due, Due::Settled(owner.clone()));
    }

    /// These changes are acknowledged: of a user in doubt, what they removed may come back.
    pub(super) fn remember_removals(&mut self, owner: &BareJid, changes: &[Change]) {
        let Some(again) = self.doubts.0.get_mut(owner) else {
            return;
        };
        let removes =
            |change: &&Change| !matches!(change, Change::Enable { .. } | Change::Settle { .. });
        again.extend(changes.iter().filter(removes).cloned());
    }

    /// Whatever was given up has happened by now or never will.
    pub(super) fn settled(&mut self, now: Timestamp, owner: &BareJid) {
        let again = self.doubts.0.remove(owner).unwrap_or_default();
        self.invalidate(owner);
        if !again.is_empty() {
            self.enqueue(now, owner, Item::Again(again));
        }
    }
}
