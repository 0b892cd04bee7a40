//! Who missed what, when that was published, and whether it was accepted.

use crate::world::service::Notification;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

#[derive(Clone, Debug, Default)]
struct User {
    /// Messages missed and not published yet: the number, and when.
    waiting: VecDeque<(u64, Instant)>,
    /// The newest message that was missed, and the newest that a push service accepted.
    missed: u64,
    accepted: u64,
}

/// Follows each user's messages. A notification says the newest message, and stands for all before it.
#[derive(Debug, Default)]
pub struct Ledger {
    users: Vec<User>,
    waits: Vec<(usize, Instant, Duration)>,
}

impl Ledger {
    pub(super) fn add(&mut self, users: usize) {
        self.users.resize(self.users.len() + users, User::default());
    }

    pub(super) fn missed(&mut self, user: usize, number: u64, at: Instant) {
        self.users[user].waiting.push_back((number, at));
        self.users[user].missed = number;
    }

    pub(super) fn published(&mut self, notification: &Notification, at: Instant) {
        let Some((index, newest)) = meaning(notification) else {
            return;
        };
        let waiting = &mut self.users[index].waiting;
        let count = waiting.partition_point(|(number, _)| *number <= newest);
        for (_, missed) in waiting.drain(..count) {
            let wait = at.saturating_duration_since(missed);
            self.waits.push((index, missed, wait));
        }
    }

    pub(super) fn accepted(&mut self, notification: &Notification) {
        if let Some((user, newest)) = meaning(notification) {
            let user = &mut self.users[user];
            user.accepted = user.accepted.max(newest);
        }
    }

    /// How many users have missed something since which no push service accepted anything.
    pub fn untold(&self) -> usize {
        let untold = |user: &&User| user.accepted < user.missed;
        self.users.iter().filter(untold).count()
    }

    /// How many of these users have missed something that was not published yet.
    pub fn waiting(&self, is_meant: impl Fn(usize) -> bool) -> usize {
        let users = self.users.iter().enumerate();
        users
            .filter(|(user, of)| is_meant(*user) && !of.waiting.is_empty())
            .count()
    }

    /// The longest that anything these users missed since then has waited until it was published, or until now.
    pub fn longest(&self, since: Instant, is_meant: impl Fn(usize) -> bool) -> Duration {
        let told = self.times(since, &is_meant).percentile(100);
        let meant = self.users.iter().enumerate();
        let meant = meant.filter(|(user, _)| is_meant(*user));
        let waiting = meant.flat_map(|(_, user)| &user.waiting);
        let waiting = waiting.filter(|(_, missed)| *missed >= since);
        let untold = waiting.map(|(_, missed)| missed.elapsed()).max();
        told.max(untold.unwrap_or_default())
    }

    /// How long that which these users missed since then waited until it was published.
    pub fn times(&self, since: Instant, is_meant: impl Fn(usize) -> bool) -> Times {
        let meant = |wait: &&(usize, Instant, Duration)| wait.1 >= since && is_meant(wait.0);
        let waits = self.waits.iter().filter(meant).map(|(_, _, wait)| *wait);
        let mut waits: Vec<Duration> = waits.collect();
        waits.sort_unstable();
        Times(waits)
    }
}

/// The user and the number of the newest message, if it is for one in the ledger.
fn meaning(notification: &Notification) -> Option<(usize, u64)> {
    let user = notification.node.strip_prefix("user")?.parse().ok()?;
    Some((user, notification.body.as_ref()?.parse().ok()?))
}

/// How long something took, many times.
#[derive(Clone, Debug)]
pub struct Times(Vec<Duration>);

impl Times {
    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The longest of so many hundredths of them.
    pub fn percentile(&self, hundredths: usize) -> Duration {
        let index = (self.0.len() * hundredths).div_ceil(100);
        let at = self.0.get(index.saturating_sub(1));
        at.copied().unwrap_or_default()
    }
}
