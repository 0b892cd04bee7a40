//! One push service, as the users of one host meet it.

use super::super::judge::recent::Users;
use crate::machine::values::HealthChange;
use crate::registration::Identity;
use crate::{Policy, Timestamp};
use std::time::Duration;

/// For the breaker to open, the deliveries of so many users must have failed since the push service last accepted one, and of one
/// in so many of all who had an answer lately. A few prove nothing, nor do many at the same moment.
const VOTES: usize = 3;
const ONE_IN: usize = 4;

/// The health of one push service.
#[derive(Debug, Default)]
pub(super) struct Service {
    /// The identity under which it last accepted a delivery.
    accepted: Option<Identity>,
    in_flight: usize,
    /// How many it may have in flight, and how many of those it has accepted.
    window: usize,
    accepted_of_window: usize,
    /// When the first attempt since its last answer was made, if there was one.
    silent_since: Option<Timestamp>,
    /// The users whose deliveries have failed since it last accepted one.
    votes: Users,
    /// How many votes would open the breaker.
    needed: usize,
    /// When the first of them has failed.
    failing_since: Option<Timestamp>,
    breaker: Breaker,
    /// It waits for one of the places of those that have proved nothing.
    is_starved: bool,
}

/// A circuit breaker: closed while a push service works, open while it does not, half-open when its pause is over. It keeps back
/// those for whom a delivery has failed. Everybody else may try: several users can have had their own reasons to fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Breaker {
    #[default]
    Closed,
    Open {
        until: Timestamp,
        pause: Duration,
    },
}

impl Service {
    pub(super) fn accepted(&self) -> Option<Identity> {
        self.accepted
    }

    /// Returns whether its breaker is closed.
    pub(super) fn is_well(&self) -> bool {
        self.breaker == Breaker::Closed
    }

    /// Returns until when its breaker is open, if it is.
    pub(super) fn is_open_until(&self, now: Timestamp) -> Option<Timestamp> {
        match self.breaker {
            Breaker::Open { until, .. } if now < until => Some(until),
            _ => None,
        }
    }

    /// Returns whether it has shown that it works: it has accepted something, and is not silent.
    pub(super) fn is_proven(&self, now: Timestamp, policy: &Policy) -> bool {
        self.window > 0 && !self.is_silent(now, policy)
    }

    /// Returns whether it has shown that it does not work.
    pub(super) fn is_silent(&self, now: Timestamp, policy: &Policy) -> bool {
        !self.is_well() || is_long(now, self.silent_since, policy)
    }

    /// Returns how many more it may have in flight, and no more than `most` in all.
    pub(super) fn room(&self, now: Timestamp, most: usize, policy: &Policy) -> usize {
        let window = if self.is_proven(now, policy) {
            self.window
        } else {
            policy.in_flight_at_first
        };
        window.min(most).saturating_sub(self.in_flight)
    }

    /// Notes whether it waits for a place. Returns whether it did before.
    pub(super) fn set_starved(&mut self, is_starved: bool) -> bool {
        std::mem::replace(&mut self.is_starved, is_starved)
    }

    /// A delivery is in flight.
    pub(super) fn begin(&mut self, now: Timestamp) {
        self.in_flight += 1;
        self.silent_since.get_or_insert(now);
    }

    /// A delivery is in flight no more.
    pub(super) fn end(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Nothing was asked of it: if nothing is in flight, it owes no answer.
    pub(super) fn excuse(&mut self) {
        self.silent_since = self.silent_since.filter(|_| self.in_flight > 0);
    }

    /// It has answered: whatever else it owes an answer to says nothing of how it fares. The next attempt will.
    pub(super) fn answer(&mut self) {
        self.silent_since = None;
    }

    /// It has accepted a delivery.
    pub(super) fn accept(
        &mut self,
        now: Timestamp,
        identity: Identity,
        policy: &Policy,
    ) -> Option<HealthChange> {
        let (was_proven, was_open) = (self.is_proven(now, policy), !self.is_well());
        let has_failed =
            self.votes.count() >= self.needed && is_long(now, self.failing_since, policy);
        let was_down = self.is_silent(now, policy) || has_failed;
        self.accepted = Some(identity);
        self.answer();
        self.votes.clear();
        self.failing_since = None;
        self.breaker = Breaker::Closed;
        self.accepted_of_window += 1;
        if !was_proven {
            (self.window, self.accepted_of_window) = (policy.in_flight_at_first, 0);
        } else if self.accepted_of_window >= self.window
            && self.window < policy.in_flight_per_service
        {
            self.window *= 2;
            self.accepted_of_window = 0;
        }
        was_down.then_some(HealthChange::Better { was_open })
    }

    /// The delivery of a user has failed, one of so many `users` who had an answer lately.
    pub(super) fn fail(
        &mut self,
        now: Timestamp,
        user: u64,
        users: usize,
        policy: &Policy,
        jitter: impl Fn(Duration) -> Duration,
    ) -> Option<HealthChange> {
        self.votes.insert(user);
        self.needed = VOTES.max(users / ONE_IN + 1);
        self.failing_since.get_or_insert(now);
        let is_proof =
            self.votes.count() >= self.needed && is_long(now, self.failing_since, policy);
        let pause = match self.breaker {
            // Begun before it opened: nothing new.
            Breaker::Open { until, .. } if now < until => return None,
            Breaker::Open { pause, .. } => (pause * 2).min(policy.breaker_max_pause),
            Breaker::Closed if !is_proof => return None,
            Breaker::Closed => policy.breaker_pause,
        };
        let was_closed = self.is_well();
        let until = now.after(jitter(pause));
        self.breaker = Breaker::Open { until, pause };
        was_closed.then_some(HealthChange::Worse { pause })
    }
}

fn is_long(now: Timestamp, since: Option<Timestamp>, policy: &Policy) -> bool {
    since.is_some_and(|since| now.since(since) >= policy.unproven_after)
}
