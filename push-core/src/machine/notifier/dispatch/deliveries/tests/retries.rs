//! Retries, and what waits for them, where no adapter keeps anything.

use super::*;
use crate::machine::values::Attempts;

/// Returns a delivery that has failed, to be tried again after so many seconds; no adapter keeps its message.
fn failed(name: &str, node: &str, number: u64, seconds: u64) -> Queued {
    let mut failed = queued(name, node, number);
    failed.holds.clear();
    failed.attempts = Attempts {
        failed: 1,
        not_before: later(seconds),
        is_behind: false,
    };
    failed
}

impl Sent {
    fn put_back(&mut self, queued: Queued) {
        self.deliveries.put_back(self.now, queued, &self.policy);
    }

    /// The deliveries of three users fail over three seconds: the breaker of `node`'s push service opens.
    fn open_breaker(&mut self, node: &str) {
        for user in ["x", "y", "z"] {
            self.push(queued(user, node, 90));
            let turn = self.turn().unwrap();
            let sending = self.deliveries.start(self.now, turn, &self.policy);
            self.now = self.now.after(Duration::from_secs(1));
            let outcome = refused(DefinedCondition::ResourceConstraint);
            self.deliveries
                .finish(self.now, sending.id, outcome, &self.policy);
        }
    }
}

#[test]
fn a_newer_message_makes_the_next_attempt_at_once() {
    let mut sent = Sent::new();
    sent.put_back(failed("alice", "a", 1, 3_600));
    assert!(sent.send_all().is_empty());
    let mut newer = queued("alice", "a", 2);
    newer.holds.clear();
    sent.push(newer);
    assert_eq!(sent.send_all(), [1]);
}

#[test]
fn a_push_service_that_is_well_again_is_told_of_all_at_once() {
    let mut sent = Sent::new();
    for (number, seconds) in [(1, 30), (2, 3_600)] {
        sent.put_back(failed(&format!("u{number}"), "a", number, seconds));
    }
    sent.put_back(failed("u3", "other.example/a", 3, 30));
    assert!(sent.send_all().is_empty());
    let service = queued("u1", "a", 1).service(Seeded::new(1, 2));
    sent.deliveries.hasten(sent.now, service);
    assert_eq!(sent.send_all(), [1, 2]);
}

#[test]
fn while_the_breaker_is_open_the_failed_are_in_nobody_s_way() {
    let mut sent = Sent::new();
    sent.open_breaker("a");
    for number in 1..=200 {
        sent.put_back(failed(&format!("u{number}"), "a", number, 0));
    }
    let mut bob = queued("bob", "a", 500);
    bob.attempts.not_before = later(1);
    sent.push(bob);
    assert_eq!(sent.send_all(), [500], "who has not failed is tried");
    let wake = sent.deliveries.next_deadline().unwrap();
    assert!(wake > sent.now && wake <= sent.now.after(Duration::from_secs(7)));
    sent.now = wake.after(Duration::from_secs(7));
    sent.deliveries.impatient(sent.now, &sent.policy);
    assert_eq!(sent.send_all().len(), 7, "half-open: eight in flight");
}

#[test]
fn retries_in_memory_have_a_bound_of_their_own_and_the_oldest_goes() {
    let mut sent = Sent::new();
    sent.policy.retries_in_memory = 2;
    for (number, since) in [(1, 20), (2, 10), (3, 30)] {
        let mut one = failed(&format!("u{number}"), "a", number, 60);
        one.since = later(since);
        sent.put_back(one);
    }
    let load = sent.deliveries.load();
    assert_eq!((load.retries_in_memory, load.waiting), (3, 0));
    assert!(
        sent.deliveries.is_empty(),
        "nobody waits for them at the end"
    );
    let dropped = sent.deliveries.take_excess(&sent.policy).unwrap();
    assert_eq!(dropped.delivery.trace, TraceId::new(2));
    assert!(sent.deliveries.take_excess(&sent.policy).is_none());
    assert_eq!(sent.deliveries.load().retries_in_memory, 2);
}

#[test]
fn the_fifth_push_service_of_a_user_that_has_proved_nothing_gets_its_turn_when_one_ends() {
    let mut sent = Sent::new();
    for number in 1..=5 {
        sent.push(queued("alice", &format!("s{number}.example/n"), number));
    }
    assert_eq!(sent.send_all(), [1, 2, 3, 4]);
    sent.finish(0, 3, refused(DefinedCondition::Gone)).unwrap();
    assert_eq!(sent.send_all(), [5]);
}

#[test]
fn what_has_waited_before_the_adapter_could_keep_it_is_handed_to_it_in_time() {
    let mut sent = Sent::new();
    sent.policy.in_flight_per_service = 1;
    sent.push(queued("alice", "a", 1));
    sent.push(queued("bob", "a", 2));
    assert_eq!(sent.send_all(), [1]);
    sent.now = later(3);
    assert!(sent.deliveries.impatient(sent.now, &sent.policy).is_none());
    let attached = AttachedRoute {
        host: host(0),
        generation: 1,
        got: 1,
        deferred: 10,
        places: None,
    };
    sent.route(RouteEvent::Attached(attached));
    sent.now = later(5);
    let handed = sent.deliveries.impatient(sent.now, &sent.policy);
    assert_eq!(handed.unwrap().0.delivery.trace, TraceId::new(2));
}

#[test]
fn all_places_that_time_makes_are_given_to_those_that_wait() {
    let mut sent = Sent::new();
    sent.policy.in_flight_unproven = 2;
    for number in 1..=6 {
        let user = format!("u{number}");
        sent.push(queued(&user, &format!("s{number}.example/n"), number));
    }
    for round in [[1, 2], [3, 4], [5, 6]] {
        assert_eq!(sent.send_all(), round);
        assert!(sent.wait(2).is_none());
        sent.deliveries.impatient(sent.now, &sent.policy);
    }
}

#[test]
fn one_that_would_hold_up_too_many_messages_has_waited_for_long_enough_unless_its_push_service_works()
 {
    for is_proven in [false, true] {
        let mut sent = Sent::new();
        sent.policy.held_per_notification = 3;
        let attached = AttachedRoute {
            host: host(0),
            generation: 1,
            got: 0,
            deferred: 10,
            places: None,
        };
        sent.route(RouteEvent::Attached(attached));
        sent.push(queued("alice", "a", 1));
        assert_eq!(sent.send_all(), [1]);
        if is_proven {
            sent.finish(0, 1, DeliveryOutcome::Accepted).unwrap();
            sent.push(queued("alice", "a", 2));
            assert_eq!(sent.send_all(), [2]);
        }
        for number in 3..=5 {
            sent.push(queued("alice", "a", number));
        }
        let handed = sent.deliveries.impatient(sent.now, &sent.policy);
        assert_eq!(handed.is_none(), is_proven);
        let holds = handed.map(|(queued, _)| queued.holds.len());
        assert_eq!(holds, (!is_proven).then_some(3));
    }
}
