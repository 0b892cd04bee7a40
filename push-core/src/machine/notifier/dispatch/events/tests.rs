use super::*;
use crate::machine::sample::{NOW, event, later, queued};
use crate::machine::values::Attempts;

const HASH: Seeded = Seeded::new(1, 2);

/// Returns an event that waits for one thing more, and for a delivery that waits for the end of another one.
fn behind() -> (Events, ServiceKey) {
    let mut events = Events::new(HASH);
    events.open(event(1));
    let queued = queued("alice", "a", 1);
    let attempts = Attempts::default().not_before(later(45), true);
    let parked = queued.parked(HASH, attempts);
    assert!(events.park(&queued, &parked));
    (events, parked.service)
}

#[test]
fn an_event_is_deferred_behind_another_delivery_only_while_that_is_in_flight() {
    for is_in_flight in [true, false] {
        let (mut events, service) = behind();
        let settled = events.release(NOW, &[event(1)], |_, _| is_in_flight);
        assert!(matches!(settled[..], [Settled::Deferred(..)]));
        let fetched = events.fetch(NOW, service, 1);
        assert_eq!(fetched.is_empty(), is_in_flight, "{fetched:?}");
    }
}

#[test]
fn what_is_not_deferred_yet_follows_a_push_service_that_is_well_again() {
    let (mut events, service) = behind();
    events.let_all_follow(NOW, service);
    events.release(NOW, &[event(1)], |_, _| true);
    assert_eq!(events.fetch(NOW, service, 1), [1]);
}
