mod changes;
mod retries;
mod routes;

use super::*;
use crate::delivery::Class;
use crate::machine::sample::{
    NOW, event, host, key, later, owner, pending, queued, registration, target,
};
use crate::machine::values::AttachedRoute;
use crate::registration::{Finding, Revision};
use crate::report::PublishEnd;
use crate::store::Guard;
use crate::xep::error::{DefinedCondition, ErrorType, StanzaError};
use std::sync::Arc;
use std::time::Duration;

/// Deliveries of two hosts with an adapter each; the test plays the adapters.
struct Sent {
    deliveries: Deliveries,
    policy: Policy,
    now: Timestamp,
}

impl Sent {
    fn new() -> Self {
        let mut sent = Self {
            deliveries: Deliveries::new(Seeded::new(1, 2), IdentityChoice::Auto),
            policy: Policy::default(),
            now: NOW,
        };
        for index in [0, 1] {
            sent.route(RouteEvent::Offered(host(index), "h", Identity::Server));
            sent.attach(index, 0);
        }
        sent
    }

    fn route(&mut self, event: RouteEvent<'_>) -> Vec<Effect> {
        self.deliveries.route(self.now, event, &self.policy)
    }

    /// The adapter of a host attaches, and has what was published up to `got`. Returns the numbers that are sent again.
    fn attach(&mut self, index: usize, got: u64) -> Vec<DeliveryId> {
        let attached = AttachedRoute {
            host: host(index),
            generation: 1,
            got,
            deferred: 0,
            places: None,
        };
        let effects = self.route(RouteEvent::Attached(attached));
        let again = effects.into_iter().filter_map(|effect| match effect {
            Effect::Send(sending) => Some(sending.id),
            _ => None,
        });
        again.collect()
    }

    /// Sends one delivery whose turn has come. Returns its trace.
    fn send(&mut self) -> Option<u64> {
        let turn = self.turn()?;
        let sending = self.deliveries.start(self.now, turn, &self.policy);
        Some(sending.delivery.trace.as_u64())
    }

    fn push(&mut self, queued: Queued) -> Option<(TraceId, Vec<MessageKey>)> {
        self.deliveries.push(self.now, queued, &self.policy)
    }

    /// Returns the next delivery that can be sent.
    fn turn(&mut self) -> Option<Turn> {
        loop {
            match self.deliveries.next(self.now, &self.policy)? {
                Next::Turn(turn) => return Some(*turn),
                Next::Fetch(..) => {}
                Next::Park(..) => unreachable!("these adapters keep nothing"),
            }
        }
    }

    /// Sends all whose turn has come.
    fn send_all(&mut self) -> Vec<u64> {
        std::iter::from_fn(|| self.send()).collect()
    }

    fn remove_host(&mut self) -> Vec<Queued> {
        self.deliveries.remove_host(self.now, host(0), &self.policy)
    }

    fn finish(&mut self, index: usize, number: u64, outcome: DeliveryOutcome) -> Option<Finished> {
        self.deliveries
            .finish(self.now, by(index, number), outcome, &self.policy)
    }

    /// Takes an attempt that nobody has answered in time.
    fn wait(&mut self, seconds: u64) -> Option<Finished> {
        self.now = self.now.after(Duration::from_secs(seconds));
        self.deliveries.tick(self.now, &self.policy)
    }
}

fn by(index: usize, number: u64) -> DeliveryId {
    DeliveryId::Adapter(host(index), number)
}

/// Returns message `number` as another event tells of it.
fn echo(number: u64, another: u64) -> Pending {
    Pending {
        keys: vec![key(number)],
        holds: vec![event(another)],
        ..pending(number)
    }
}

fn of_other_host(mut queued: Queued) -> Queued {
    queued.host = host(1);
    queued
}

fn refused(condition: DefinedCondition) -> DeliveryOutcome {
    DeliveryOutcome::Refused(StanzaError::new(ErrorType::Cancel, condition))
}

fn no_room() -> DeliveryOutcome {
    let condition = DefinedCondition::ResourceConstraint;
    DeliveryOutcome::NotSent(StanzaError::new(ErrorType::Wait, condition))
}

fn traces(queued: &[Queued]) -> Vec<u64> {
    let mut traces: Vec<_> = queued
        .iter()
        .map(|one| one.delivery.trace.as_u64())
        .collect();
    traces.sort_unstable();
    traces
}

#[test]
fn push_services_take_turns() {
    let mut sent = Sent::new();
    for number in [1, 2, 3] {
        let (name, node) = (format!("u{number}"), "busy.example/n");
        sent.push(queued(&name, node, number));
    }
    sent.push(queued("bob", "idle.example/n", 4));
    assert_eq!(sent.send_all(), [1, 4, 2, 3]);
}

#[test]
fn each_host_has_so_many_in_flight_at_each_push_service() {
    let mut sent = Sent::new();
    sent.policy.in_flight_per_service = 1;
    for number in [1, 2] {
        let node = format!("n{number}");
        sent.push(queued("alice", &node, number));
        let other = queued("bob", &node, number + 2);
        sent.push(of_other_host(other));
    }
    sent.push(queued("alice", "other.example/n", 5));
    assert_eq!(sent.send_all(), [1, 3, 5]);
    sent.finish(0, 1, DeliveryOutcome::Accepted).unwrap();
    assert_eq!(sent.send_all(), [2]);
    let load = sent.deliveries.load();
    assert_eq!((load.waiting, load.in_flight), (1, 3));
}

#[test]
fn a_turn_that_is_discarded_leaves_its_place_to_the_next() {
    let mut sent = Sent::new();
    sent.push(queued("alice", "a", 1));
    let turn = sent.turn().unwrap();
    sent.push(queued("alice", "a", 2));
    assert!(sent.turn().is_none());
    assert_eq!(
        sent.deliveries.discard(turn).delivery.trace,
        TraceId::new(1)
    );
    assert_eq!(sent.send_all(), [2]);
}

#[test]
fn a_newer_delivery_to_the_same_registration_is_absorbed() {
    let mut sent = Sent::new();
    sent.push(queued("alice", "a", 1));
    let mut newer = queued("alice", "a", 2);
    newer.delivery.content = Arc::new(crate::xep::summary::Summary {
        message_count: Some(2),
        last_message_body: Some("newest".to_owned()),
        ..Default::default()
    });
    let absorbed = sent.push(newer);
    assert_eq!(absorbed, Some((TraceId::new(1), Vec::new())));
    let turn = sent.turn().unwrap();
    assert_eq!(turn.events().0, [event(1), event(2)]);
    let sending = sent.deliveries.start(NOW, turn, &sent.policy);
    assert_eq!(sending.delivery.trace, TraceId::new(1));
    let content = &sending.delivery.content;
    assert_eq!(content.message_count, Some(3));
    assert_eq!(content.last_message_body.as_deref(), Some("newest"));
}

#[test]
fn a_call_is_not_joined_with_messages() {
    let mut sent = Sent::new();
    sent.push(queued("alice", "a", 1));
    let mut call = queued("alice", "a", 2);
    call.delivery.class = Class::Call;
    assert_eq!(sent.push(call), None);
    assert_eq!(sent.deliveries.load().waiting, 2);
}

#[test]
fn keys_that_find_no_room_are_returned() {
    let mut sent = Sent::new();
    let mut many = queued("alice", "a", 1);
    many.keys = (1..=20).map(key).collect();
    sent.push(many);
    let absorbed = sent.push(queued("alice", "a", 21));
    assert_eq!(absorbed, Some((TraceId::new(1), vec![key(1)])));
}

#[test]
fn one_that_is_put_back_takes_in_the_newer_that_waits() {
    let mut sent = Sent::new();
    sent.push(queued("alice", "a", 1));
    sent.send_all();
    let finished = sent.finish(0, 1, no_room()).unwrap();
    assert!(finished.next == AfterAttempt::NoRoom && !finished.was_sent());
    sent.push(queued("alice", "a", 2));
    let forgotten = sent.deliveries.put_back(NOW, finished.queued, &sent.policy);
    assert!(forgotten.is_empty());
    let turn = sent.turn().unwrap();
    assert_eq!(turn.events().0, [event(1), event(2)]);
    let queued = sent.deliveries.discard(turn);
    assert_eq!(queued.delivery.trace, TraceId::new(1));
    assert!(sent.deliveries.is_empty());
}

#[test]
fn one_that_has_expired_is_given_up_and_the_user_s_return_comes_first() {
    let mut sent = Sent::new();
    let mut expiring = queued("alice", "a", 1);
    expiring.delivery.expires_at = later(10);
    sent.push(expiring);
    let turn = sent.turn().unwrap();
    assert_eq!(turn.why_not(later(9), false), None);
    assert_eq!(turn.why_not(later(10), false), Some(PublishEnd::Expired));
    assert_eq!(turn.why_not(later(10), true), Some(PublishEnd::Withdrawn));
}

#[test]
fn an_outcome_for_a_number_of_another_host_does_nothing() {
    let mut sent = Sent::new();
    sent.push(queued("alice", "a", 1));
    sent.send_all();
    assert!(sent.finish(1, 1, refused(DefinedCondition::Gone)).is_none());
    assert!(sent.finish(0, 2, refused(DefinedCondition::Gone)).is_none());
    let finished = sent.finish(0, 1, refused(DefinedCondition::Gone)).unwrap();
    let over = Finding::Over {
        condition: DefinedCondition::Gone,
        is_sudden: false,
    };
    assert_eq!(finished.finding, Some(over));
    assert!(sent.finish(0, 1, DeliveryOutcome::Accepted).is_none());
    assert!(sent.deliveries.is_empty());
}

#[test]
fn events_join_the_delivery_that_tells_of_them_waiting_or_in_flight() {
    let mut sent = Sent::new();
    sent.push(queued("alice", "a", 1));
    let (alice, at) = (owner("alice"), target("a"));
    assert_eq!(sent.deliveries.join(&alice, &at, &echo(1, 2)), 1);
    sent.send_all();
    assert_eq!(sent.deliveries.join(&alice, &at, &echo(1, 3)), 1);
    assert_eq!(sent.deliveries.join(&alice, &at, &echo(9, 4)), 0);
    let finished = sent.finish(0, 1, DeliveryOutcome::Accepted).unwrap();
    assert_eq!(finished.queued.holds, [event(1)]);
    assert_eq!(finished.queued.echoes, [event(2), event(3)]);
}

#[test]
fn abandoning_leaves_what_no_adapter_tells_again() {
    let mut sent = Sent::new();
    sent.push(queued("alice", "a", 1));
    let mut without_event = queued("alice", "b", 2);
    without_event.holds.clear();
    sent.push(without_event);
    assert_eq!(traces(&sent.deliveries.abandon()), [1]);
    assert_eq!(sent.send_all(), [2]);
}

#[test]
fn at_a_push_service_that_has_proved_nothing_a_user_has_one_in_flight() {
    let mut sent = Sent::new();
    for (number, node) in [(1, "a"), (2, "b"), (3, "c")] {
        sent.push(queued("alice", node, number));
    }
    sent.push(queued("bob", "b", 4));
    assert_eq!(sent.send_all(), [1, 4]);
    sent.finish(0, 1, DeliveryOutcome::Accepted).unwrap();
    assert_eq!(sent.send_all(), [2, 3], "it works");
}

#[test]
fn a_registration_has_one_delivery_of_a_class_in_flight_and_the_next_follows_it() {
    let mut sent = Sent::new();
    for number in [1, 2, 3] {
        sent.push(queued("alice", "a", number));
        sent.send_all();
    }
    sent.push(queued("bob", "a", 4));
    assert_eq!(sent.send_all(), [4], "others pass");
    sent.finish(0, 1, DeliveryOutcome::Accepted).unwrap();
    let turn = sent.turn().unwrap();
    assert_eq!(turn.events().0, [event(2), event(3)]);
}

#[test]
fn events_join_a_call_that_waits_and_no_delivery_of_something_else() {
    let mut sent = Sent::new();
    let mut call = queued("alice", "a", 1);
    call.delivery.class = Class::Call;
    sent.push(call);
    sent.push(queued("alice", "a", 2));
    let joined = sent
        .deliveries
        .join(&owner("alice"), &target("a"), &echo(1, 3));
    assert_eq!(joined, 1);
    let holds = |sent: &mut Sent| {
        let turn = sent.turn().unwrap();
        let queued = sent.deliveries.discard(turn);
        [queued.holds, queued.echoes].concat()
    };
    assert_eq!(holds(&mut sent), [event(1), event(3)]);
    assert_eq!(holds(&mut sent), [event(2)]);
}
