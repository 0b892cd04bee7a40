//! Places in flight for push services that have proved nothing.

use crate::machine::deadlines::{Deadlines, Key};
use crate::{Policy, Timestamp};

/// Deliveries in flight that were begun at push services that had proved nothing.
///
/// There is a bound for all of them, and one that is silent gets no place beyond it. But whoever is silent shall not take the places
/// of those who might answer: for these only deliveries count that may still be answered in time.
#[derive(Debug)]
pub(super) struct Unproven {
    in_flight: usize,
    /// Those that may still be answered in time.
    fresh: Deadlines<()>,
}

impl Unproven {
    pub(super) fn new() -> Self {
        Self {
            in_flight: 0,
            fresh: Deadlines::new(),
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
    pub(super) fn room(&mut self, now: Timestamp, is_silent: bool, policy: &Policy) -> usize {
        self.age(now);
        let taken = if is_silent {
            self.in_flight
        } else {
            self.fresh.len()
        };
        policy.in_flight_unproven.saturating_sub(taken)
    }

    /// Takes note of the time. Returns whether that has made room.
    pub(super) fn age(&mut self, now: Timestamp) -> bool {
        let mut has_room = false;
        while self.fresh.pop_due(now).is_some() {
            has_room = true;
        }
        has_room
    }

    /// Returns when time makes room.
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.fresh.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::sample::{NOW, later};

    #[test]
    fn who_is_silent_leaves_the_places_to_those_who_may_answer() {
        let policy = Policy {
            in_flight_unproven: 3,
            ..Policy::default()
        };
        let mut unproven = Unproven::new();
        let places = [0; 3].map(|_| unproven.begin(NOW, &policy));
        assert_eq!(unproven.room(later(1), false, &policy), 0);
        assert_eq!(unproven.next_deadline(), Some(later(2)));
        assert_eq!(unproven.room(later(2), false, &policy), 3);
        assert_eq!(unproven.room(later(2), true, &policy), 0);
        unproven.end(places[0]);
        assert_eq!(unproven.room(later(2), true, &policy), 1);
    }
}
