//! Places in flight for push services that have proved nothing.

use crate::ids::{HostId, ServiceKey};
use crate::machine::deadlines::{Deadlines, Key};
use crate::{Policy, Timestamp};
use std::collections::VecDeque;

/// Deliveries in flight that were begun at push services that had proved nothing, and the push services that wait for a place.
///
/// There is a bound for all of them, and one that is silent gets no place beyond it. But whoever is silent shall not take the places
/// of those who might answer: for these only deliveries count that may still be answered in time, up to a wider bound.
#[derive(Debug)]
pub(super) struct Unproven {
    in_flight: usize,
    /// Those that may still be answered in time.
    fresh: Deadlines<()>,
    silent: VecDeque<(HostId, ServiceKey)>,
    hopeful: VecDeque<(HostId, ServiceKey)>,
}

impl Unproven {
    pub(super) fn new() -> Self {
        Self {
            in_flight: 0,
            fresh: Deadlines::new(),
            silent: VecDeque::new(),
            hopeful: VecDeque::new(),
        }
    }

    /// Begins a delivery.
    pub(super) fn begin(&mut self, now: Timestamp, policy: &Policy) -> Key {
        self.in_flight += 1;
        self.fresh.set(now.after(policy.unproven_after), ())
    }

    /// Ends a delivery.
    pub(super) fn end(&mut self, place: Key) {
        self.in_flight -= 1;
        self.fresh.cancel(place);
    }

    /// Returns how many more may be begun, at a push service that is silent or at one that may answer.
    pub(super) fn room(&self, is_silent: bool, policy: &Policy) -> usize {
        if is_silent {
            return policy.in_flight_unproven.saturating_sub(self.in_flight);
        }
        let fresh = policy.in_flight_unproven.saturating_sub(self.fresh.len());
        let all = policy.in_flight_unanswered.saturating_sub(self.in_flight);
        fresh.min(all)
    }

    /// Lets a push service wait for a place.
    pub(super) fn wait(&mut self, host: HostId, service: ServiceKey, is_silent: bool) {
        let waiting = if is_silent {
            &mut self.silent
        } else {
            &mut self.hopeful
        };
        waiting.push_back((host, service));
    }

    /// Returns how many places there are for those that wait.
    pub(super) fn places(&self, policy: &Policy) -> usize {
        let of = |waiting: usize, is_silent| self.room(is_silent, policy).min(waiting);
        of(self.hopeful.len(), false).max(of(self.silent.len(), true))
    }

    /// Takes the next push service that waits and for which there is a place: of those that may answer, if there is one.
    pub(super) fn next(&mut self, policy: &Policy) -> Option<(HostId, ServiceKey, bool)> {
        for is_silent in [false, true] {
            let has_room = self.room(is_silent, policy) > 0;
            let waiting = if is_silent {
                &mut self.silent
            } else {
                &mut self.hopeful
            };
            if let Some((host, service)) = has_room.then(|| waiting.pop_front()).flatten() {
                return Some((host, service, is_silent));
            }
        }
        None
    }

    /// Takes note of the time: what is not answered by now makes room.
    pub(super) fn tick(&mut self, now: Timestamp) {
        while self.fresh.pop_due(now).is_some() {}
    }

    /// Returns when time makes room for somebody.
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        let deadline = self.fresh.next();
        deadline.filter(|_| !self.hopeful.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::sample::{NOW, host, later};

    fn policy() -> Policy {
        Policy {
            in_flight_unproven: 3,
            ..Policy::default()
        }
    }

    #[test]
    fn who_is_silent_leaves_the_places_to_those_who_may_answer() {
        let (policy, mut unproven) = (policy(), Unproven::new());
        let places = [0; 3].map(|_| unproven.begin(NOW, &policy));
        assert_eq!(unproven.room(false, &policy), 0);
        unproven.tick(later(2));
        assert_eq!(unproven.room(false, &policy), 3);
        assert_eq!(unproven.room(true, &policy), 0);
        unproven.end(places[0]);
        assert_eq!(unproven.room(true, &policy), 1);
    }

    #[test]
    fn there_is_a_bound_for_all_that_are_not_answered() {
        let policy = Policy {
            in_flight_unanswered: 7,
            ..policy()
        };
        let mut unproven = Unproven::new();
        for (round, room) in [(0, 3), (1, 3), (2, 1)] {
            let now = later(2 * round);
            unproven.tick(now);
            assert_eq!(unproven.room(false, &policy), room);
            (0..room).for_each(|_| _ = unproven.begin(now, &policy));
        }
        unproven.tick(later(60));
        assert_eq!(unproven.room(false, &policy), 0, "seven are in flight");
    }

    #[test]
    fn the_silent_that_wait_are_in_nobody_s_way() {
        let (policy, mut unproven) = (policy(), Unproven::new());
        (0..3).for_each(|_| _ = unproven.begin(NOW, &policy));
        (1..=100).for_each(|silent| unproven.wait(host(0), ServiceKey(silent), true));
        assert_eq!(unproven.next_deadline(), None, "only an end makes room");
        unproven.wait(host(0), ServiceKey(200), false);
        assert_eq!(unproven.next_deadline(), Some(later(2)));
        assert_eq!(
            (unproven.places(&policy), unproven.next(&policy)),
            (0, None)
        );
        unproven.tick(later(2));
        assert_eq!(unproven.places(&policy), 1);
        let next = unproven.next(&policy);
        assert_eq!(next, Some((host(0), ServiceKey(200), false)));
        assert_eq!(
            (unproven.places(&policy), unproven.next(&policy)),
            (0, None)
        );
    }
}
