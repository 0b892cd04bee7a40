//! One push service: whether it can be believed.

use super::recent::{Recent, Users};
use crate::Timestamp;
use crate::registration::StatusPolicy;
use std::time::Duration;

/// How long an acceptance is evidence that a push service accepts somebody, and how long it must have answered nobody to count
/// as unreachable.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Half of the time in which too many may be ended.
const HALF_AN_HOUR: Duration = Duration::from_secs(30 * 60);

/// A seeded hash of a user, and of a registration of theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whose {
    user: u64,
    registration: u64,
}

impl Whose {
    pub(super) const fn new(user: u64, registration: u64) -> Self {
        Self { user, registration }
    }
}

/// The answers of a push service to the users of one host, as far as they matter for judging others.
#[derive(Debug)]
pub(super) struct Domain {
    /// The latest acceptances of two different registrations, the later one first.
    accepted: [Option<(Timestamp, u64)>; 2],
    /// Those who were refused since the last acceptance: one vote for each user.
    refused: Users,
    doubted_at: Timestamp,
    reached_at: Timestamp,
    /// Since when nobody is answered, if that is so.
    silent_since: Option<Timestamp>,
    answered: Recent,
    ended: Recent,
}

impl Domain {
    pub(super) fn new() -> Self {
        Self {
            accepted: [None; 2],
            refused: Users::default(),
            doubted_at: Timestamp::default(),
            reached_at: Timestamp::default(),
            silent_since: None,
            answered: Recent::new(DAY),
            ended: Recent::new(HALF_AN_HOUR),
        }
    }

    /// It has accepted a delivery.
    pub(super) fn accept(&mut self, now: Timestamp, whose: Whose) {
        self.reach(now, whose);
        self.refused.clear();
        let latest =
            self.accepted[0].filter(|(_, registration)| *registration != whose.registration);
        if latest.is_some() {
            self.accepted[1] = latest;
        }
        self.accepted[0] = Some((now, whose.registration));
    }

    /// It has answered.
    pub(super) fn reach(&mut self, now: Timestamp, whose: Whose) {
        self.reached_at = now;
        self.silent_since = None;
        self.answered.insert(now, whose.user);
    }

    /// It has refused a delivery.
    pub(super) fn refuse(&mut self, whose: Whose) {
        self.refused.insert(whose.user);
    }

    /// It has answered nothing to a delivery. Returns whether that has been so for a day, for everybody.
    pub(super) fn ignore(&mut self, now: Timestamp) -> bool {
        let since = *self.silent_since.get_or_insert(now);
        now.since(since) >= DAY
    }

    /// Returns whether it has accepted another registration within a day.
    pub(super) fn accepts_others(&self, now: Timestamp, whose: Whose) -> bool {
        let others = self.accepted.iter().flatten();
        let mut others = others.filter(|(_, registration)| *registration != whose.registration);
        others.any(|(at, _)| now.since(*at) < DAY)
    }

    /// Returns whether it has refused too many users since it last accepted one.
    pub(super) fn refuses_all(&mut self, now: Timestamp, policy: &StatusPolicy) -> bool {
        self.is_too_many(now, self.refused.count(), policy)
    }

    /// Returns whether so many are too large a part of the users that it has answered lately.
    fn is_too_many(&mut self, now: Timestamp, users: usize, policy: &StatusPolicy) -> bool {
        let all = self.answered.count(now);
        let bound = all.saturating_mul(policy.sudden_percent);
        users > policy.sudden_users && users.saturating_mul(100) > bound
    }

    /// Returns how many users it has answered within a day.
    pub(super) fn users(&mut self, now: Timestamp) -> usize {
        self.answered.count(now)
    }

    /// It cannot be judged at this time.
    pub(super) fn doubt(&mut self, now: Timestamp) {
        self.doubted_at = now;
    }

    pub(super) fn doubted_at(&self) -> Timestamp {
        self.doubted_at
    }

    pub(super) fn reached_at(&self) -> Timestamp {
        self.reached_at
    }

    /// It would end a registration of this user. Returns whether it has ended too many.
    pub(super) fn end(&mut self, now: Timestamp, whose: Whose, policy: &StatusPolicy) -> bool {
        self.ended.insert(now, whose.user);
        let ended = self.ended.count(now);
        self.is_too_many(now, ended, policy)
    }
}
