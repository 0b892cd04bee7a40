//! Notifications that wait for their turn at one push service.

use super::feed::joined;
use super::publishes::Notification;
use crate::hash::{Seeded, SeededMap};
use crate::registration::Target;
use jid::BareJid;
use std::collections::BTreeMap;
use std::sync::Arc;

/// In order of arrival, at most one for each registration: a newer one is absorbed.
#[derive(Debug)]
pub(super) struct Queue {
    by_arrival: BTreeMap<u64, Notification>,
    /// Hash of (owner, target) → arrival.
    index: SeededMap<u64, u64>,
    drawn: u64,
    hash: Seeded,
}

impl Queue {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            by_arrival: BTreeMap::new(),
            index: hash.map(),
            drawn: 0,
            hash,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_arrival.is_empty()
    }

    /// Puts a notification in. Returns whether there is one more than before.
    pub(super) fn push(&mut self, notification: Notification) -> bool {
        let (owner, target) = (&notification.owner, &notification.registration.target);
        let key = self.key(owner, target);
        if let Some(have) = self.find(owner, target) {
            have.summary = Arc::new(joined(&have.summary, (*notification.summary).clone()));
            have.registration = notification.registration;
            have.marks.extend(notification.marks);
            have.tickets.extend(notification.tickets);
            return false;
        }
        self.drawn += 1;
        self.index.insert(key, self.drawn);
        self.by_arrival.insert(self.drawn, notification);
        true
    }

    /// The one that waits for the registration of `owner` at `target`.
    pub(super) fn find(&mut self, owner: &BareJid, target: &Target) -> Option<&mut Notification> {
        let arrival = self.index.get(&self.key(owner, target))?;
        self.by_arrival.get_mut(arrival)
    }

    /// Puts one back that was taken too early; one that came meanwhile is newer and absorbs it. Returns whether there is one
    /// more than before.
    pub(super) fn put_back(&mut self, older: Notification) -> bool {
        let Some(newer) = self.find(&older.owner, &older.registration.target) else {
            return self.push(older);
        };
        newer.summary = Arc::new(joined(&older.summary, (*newer.summary).clone()));
        newer.marks.extend(older.marks);
        newer.tickets.extend(older.tickets);
        false
    }

    /// Takes the first that `can` go.
    pub(super) fn pop(&mut self, can: impl Fn(&Notification) -> bool) -> Option<Notification> {
        let arrival = *self
            .by_arrival
            .iter()
            .find(|(_, notification)| can(notification))?
            .0;
        self.remove(arrival)
    }

    /// Takes all that `must` go.
    pub(super) fn take(&mut self, must: impl Fn(&Notification) -> bool) -> Vec<Notification> {
        let going = self
            .by_arrival
            .iter()
            .filter(|(_, notification)| must(notification));
        let going: Vec<u64> = going.map(|(arrival, _)| *arrival).collect();
        going
            .into_iter()
            .filter_map(|arrival| self.remove(arrival))
            .collect()
    }

    fn remove(&mut self, arrival: u64) -> Option<Notification> {
        let notification = self.by_arrival.remove(&arrival)?;
        let key = self.key(&notification.owner, &notification.registration.target);
        self.index.remove(&key);
        Some(notification)
    }

    fn key(&self, owner: &BareJid, target: &Target) -> u64 {
        self.hash.hash(&(owner, target))
    }
}
