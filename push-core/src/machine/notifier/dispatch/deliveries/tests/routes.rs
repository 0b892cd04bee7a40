//! Deliveries wait for their routes, and go again over them.

use super::*;

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
    assert_eq!(sent.deliveries.load().waiting, 1);
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
