use super::*;
use crate::delivery::Class;
use crate::machine::sample::{NOW, event, host, key, later, owner, queued, registration, target};
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
    assert_eq!(
        (sent.deliveries.waiting(), sent.deliveries.in_flight()),
        (1, 3)
    );
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
    assert_eq!(sent.deliveries.waiting(), 2);
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
fn an_adapter_without_room_for_three_users_gets_nothing_for_a_moment() {
    let mut sent = Sent::new();
    for (number, name) in [(1, "alice"), (2, "bob"), (3, "carol")] {
        sent.push(queued(name, "a", number));
    }
    assert_eq!(sent.send_all(), [1, 2, 3]);
    for number in [1, 2, 3] {
        sent.push(queued(&format!("u{number}"), "a", 3 + number));
        let is_open = sent.send().is_some();
        assert!(is_open, "closed by {} users", number - 1);
        sent.finish(0, number, no_room()).unwrap();
    }
    sent.push(queued("dave", "late", 7));
    assert!(sent.send_all().is_empty());
    assert!(sent.wait(1).is_none());
    assert!(sent.deliveries.impatient(sent.now, &sent.policy).is_none());
    assert_eq!(sent.send_all(), [7]);
}

#[test]
fn a_closed_route_keeps_and_an_opened_one_sends() {
    let mut sent = Sent::new();
    sent.route(RouteEvent::Detached(host(0)));
    sent.push(queued("alice", "a", 1));
    let other = queued("bob", "a", 2);
    sent.push(of_other_host(other));
    assert_eq!(sent.send_all(), [2]);
    assert_eq!(sent.deliveries.waiting(), 1);
    sent.attach(0, 0);
    assert_eq!(sent.send_all(), [1]);
}

#[test]
fn the_operator_s_choice_opens_another_route() {
    let mut sent = Sent::new();
    sent.route(RouteEvent::StreamUp);
    sent.route(RouteEvent::Detached(host(0)));
    sent.push(queued("alice", "a", 1));
    assert!(sent.send_all().is_empty());
    sent.route(RouteEvent::Chosen(IdentityChoice::Only(
        Identity::Component,
    )));
    assert_eq!(sent.send_all(), [1]);
    let (service, _, route) = sent.deliveries.of(DeliveryId::Own(1)).unwrap();
    assert_eq!(
        (service.as_str(), route),
        ("push.example.net", Route::Component)
    );
}

#[test]
fn a_flight_waits_for_its_adapter_and_goes_again_when_that_is_back() {
    let mut sent = Sent::new();
    sent.push(queued("alice", "a", 1));
    sent.push(queued("bob", "b", 2));
    sent.send_all();
    sent.route(RouteEvent::Detached(host(0)));
    assert!(sent.wait(1_000).is_none(), "timed out without an adapter");
    assert_eq!(sent.attach(0, 1), [by(0, 2)], "it has the first");
    sent.now = sent.now.after(Duration::from_secs(1));
    sent.route(RouteEvent::Heard(host(0)));
    let first = sent.wait(60).unwrap();
    assert_eq!(first.outcome, DeliveryOutcome::TimedOut);
    assert_eq!(first.next, AfterAttempt::Again, "its outcome may be lost");
    let second = sent.wait(0).unwrap();
    assert_eq!(second.next, AfterAttempt::Retry, "it has had its time");
}

#[test]
fn an_attempt_of_our_own_goes_again_when_the_stream_is_back() {
    let mut sent = Sent::new();
    let choice = IdentityChoice::Only(Identity::Component);
    sent.route(RouteEvent::Chosen(choice));
    sent.route(RouteEvent::StreamUp);
    sent.push(queued("alice", "a", 1));
    sent.send_all();
    sent.route(RouteEvent::StreamDown);
    assert!(sent.wait(1_000).is_none());
    let again = sent.route(RouteEvent::StreamUp);
    assert!(matches!(&again[..], [Effect::Send(one)] if one.id == DeliveryId::Own(1)));
    let finished = sent.wait(40).unwrap();
    assert_eq!(finished.next, AfterAttempt::Retry);
}

#[test]
fn removing_a_host_takes_what_waits_and_what_is_in_flight() {
    let mut sent = Sent::new();
    sent.push(queued("alice", "a", 1));
    sent.send_all();
    sent.push(queued("alice", "a", 2));
    sent.push(of_other_host(queued("bob", "a", 3)));
    let removed = sent.remove_host();
    assert_eq!(traces(&removed), [1, 2]);
    assert!(sent.finish(0, 1, DeliveryOutcome::Accepted).is_none());
    assert_eq!(sent.send_all(), [3]);
    assert_eq!(sent.deliveries.offered(host(0)), None);
}

#[test]
fn a_host_that_is_served_again_goes_on_counting() {
    let mut sent = Sent::new();
    sent.push(queued("alice", "a", 1));
    sent.send_all();
    sent.remove_host();
    sent.route(RouteEvent::Offered(host(0), "h", Identity::Server));
    sent.attach(0, 0);
    sent.push(queued("alice", "a", 2));
    sent.send_all();
    assert!(sent.deliveries.of(by(0, 1)).is_none());
    assert!(sent.deliveries.of(by(0, 2)).is_some());
}

#[test]
fn what_waits_is_published_with_the_renewed_registration() {
    let mut sent = Sent::new();
    sent.push(queued("alice", "a", 1));
    let change = Change::Enable {
        owner: owner("alice"),
        registration: registration("a", 7),
    };
    let withdrawn = sent
        .deliveries
        .follow(&owner("alice"), &[change], &[Committed::Enabled]);
    assert!(withdrawn.is_empty());
    let turn = sent.turn().unwrap();
    let registration = sent.deliveries.discard(turn).delivery.registration;
    assert_eq!(registration.revision.as_u64(), 7);
}

#[test]
fn what_waits_for_a_removed_registration_is_withdrawn() {
    let mut sent = Sent::new();
    sent.push(queued("alice", "a", 1));
    sent.push(queued("alice", "other.example/a", 2));
    sent.push(queued("bob", "a", 3));
    let change = Change::RemoveService {
        owner: owner("alice"),
        service: target("a").service,
        up_to: Revision::new(1),
    };
    let withdrawn = sent
        .deliveries
        .follow(&owner("alice"), &[change], &[Committed::Removed(1)]);
    assert_eq!(traces(&withdrawn), [1]);
    assert_eq!(sent.send_all(), [3, 2]);
}

#[test]
fn one_that_has_expired_is_given_up_and_the_user_s_return_comes_first() {
    let mut sent = Sent::new();
    let mut expiring = queued("alice", "a", 1);
    expiring.delivery.expires_at = Some(later(10));
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
    assert_eq!(sent.deliveries.join(&alice, &at, &[key(1)], &[event(2)]), 1);
    sent.send_all();
    assert_eq!(sent.deliveries.join(&alice, &at, &[key(1)], &[event(3)]), 1);
    assert_eq!(sent.deliveries.join(&alice, &at, &[key(9)], &[event(4)]), 0);
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
fn a_removal_does_not_withdraw_what_waits_for_a_later_enable() {
    let mut sent = Sent::new();
    let mut later = queued("alice", "a", 1);
    later.delivery.registration = Arc::new(registration("a", 7));
    sent.push(later);
    let (alice, up_to) = (owner("alice"), Revision::new(6));
    let removals = [
        Change::Remove {
            owner: alice.clone(),
            target: target("a"),
            guard: Guard::UpTo(up_to),
        },
        Change::RemoveService {
            owner: alice.clone(),
            service: target("a").service,
            up_to,
        },
        Change::RemoveOwner {
            owner: alice.clone(),
            up_to,
        },
    ];
    for removal in removals {
        let withdrawn = sent
            .deliveries
            .follow(&alice, &[removal], &[Committed::Removed(0)]);
        assert!(withdrawn.is_empty());
    }
    assert_eq!(sent.send_all(), [1]);
}

#[test]
fn an_enable_that_came_too_late_renews_nothing() {
    let mut sent = Sent::new();
    let mut newer = queued("alice", "a", 1);
    newer.delivery.registration = Arc::new(registration("a", 7));
    sent.push(newer);
    let change = Change::Enable {
        owner: owner("alice"),
        registration: registration("a", 6),
    };
    let superseded = [Committed::Superseded];
    sent.deliveries
        .follow(&owner("alice"), &[change], &superseded);
    let turn = sent.turn().unwrap();
    let registration = sent.deliveries.discard(turn).delivery.registration;
    assert_eq!(registration.revision.as_u64(), 7);
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
        .join(&owner("alice"), &target("a"), &[key(1)], &[event(3)]);
    assert_eq!(joined, 1);
    let holds = |sent: &mut Sent| {
        let turn = sent.turn().unwrap();
        let queued = sent.deliveries.discard(turn);
        [queued.holds, queued.echoes].concat()
    };
    assert_eq!(holds(&mut sent), [event(1), event(3)]);
    assert_eq!(holds(&mut sent), [event(2)]);
}

#[test]
fn what_is_in_flight_for_a_registration_that_was_removed_is_not_sent_again() {
    for registration in ["removed", "kept"] {
        let mut sent = Sent::new();
        sent.push(queued("alice", registration, 1));
        assert_eq!(sent.send_all(), [1]);
        let removed = target("removed");
        let waiting = sent
            .deliveries
            .withdraw(&owner("alice"), |have| have.target == removed);
        assert!(waiting.is_empty());
        let finished = sent.finish(0, 1, no_room()).unwrap();
        let is_sent_again = finished.next == AfterAttempt::NoRoom;
        assert_eq!(is_sent_again, registration == "kept", "{registration}");
    }
}

#[test]
fn what_was_sent_again_may_be_lost_once_more() {
    let mut sent = Sent::new();
    sent.push(queued("alice", "n", 1));
    assert_eq!(sent.send_all(), [1]);
    sent.route(RouteEvent::Detached(host(0)));
    sent.now = sent.now.after(Duration::from_secs(10));
    // The adapter has not got it. Its hello is the last that is heard of it.
    sent.route(RouteEvent::Heard(host(0)));
    assert_eq!(sent.attach(0, 0), [by(0, 1)]);
    assert!(sent.wait(60).is_none(), "timed out with a dead link");
}
