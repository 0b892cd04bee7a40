//! The stream is cut, the server or the service restarted: what was told is told again, what was published is not.

use push_core::report::{Decision, PublishEnd, Report};
use push_tests::world::telling;
use push_tests::world::{Manner, SERVICE, Seat, World, settings};
use std::time::Duration;

fn alice() -> World {
    let mut world = World::attached();
    world.enable("alice", "phone", "phone");
    world.reports();
    world
}

fn bodies(world: &mut World) -> Vec<String> {
    let told = world.service().received.iter();
    told.filter_map(|one| one.body.clone()).collect()
}

fn ends(world: &mut World) -> Vec<PublishEnd> {
    let end = |report| match report {
        Report::Published { end, .. } => Some(end),
        _ => None,
    };
    world.reports().into_iter().filter_map(end).collect()
}

#[test]
fn what_is_missed_while_detached_is_told_when_it_is_back() {
    let mut world = alice();
    world.cut();
    for body in ["1", "2", "3"] {
        world.missed("offline", "alice", None, body);
        world.settle();
    }
    world.connect();
    world.settle();
    let told = world.service().take();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].count, told[0].body.as_deref()), (3, Some("3")));
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn an_event_lost_on_the_way_is_sent_again() {
    let mut world = alice();
    world.missed("offline", "alice", None, "1");
    world.cut();
    world.connect();
    world.settle();
    assert_eq!(bodies(&mut world), ["1"]);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn an_acknowledgement_lost_on_the_way_costs_no_second_notification() {
    let mut world = alice();
    world.missed("offline", "alice", None, "1");
    // Published and answered; the outcome has just arrived, the acknowledgement has not left the wire.
    world.pass(Duration::from_millis(27));
    assert_eq!(ends(&mut world), [PublishEnd::Accepted]);
    assert_eq!(world.adapter().kept(), 1);
    world.cut();
    world.connect();
    world.settle();
    assert_eq!(bodies(&mut world), ["1"]);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn a_publish_the_adapter_did_not_get_is_sent_again_under_its_number() {
    let mut world = alice();
    world.missed("offline", "alice", None, "1");
    // The event is with the service; the publish has not arrived at the adapter.
    world.pass(Duration::from_millis(3));
    world.cut();
    assert!(bodies(&mut world).is_empty());
    world.connect();
    world.settle();
    assert_eq!(bodies(&mut world), ["1"]);
    assert_eq!(ends(&mut world), [PublishEnd::Accepted]);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn however_long_the_stream_is_away() {
    for away in [1, 44, 46, 120, 3600] {
        let mut world = alice();
        world.missed("offline", "alice", None, "1");
        world.pass(Duration::from_millis(3));
        world.cut();
        world.pass(Duration::from_secs(away));
        world.connect();
        world.pass(Duration::from_secs(60));
        assert_eq!(bodies(&mut world), ["1"], "{away} s");
        assert_eq!(ends(&mut world), [PublishEnd::Accepted], "{away} s");
        assert_eq!(world.adapter().kept(), 0);
    }
}

#[test]
fn a_stream_that_died_unnoticed_loses_nothing() {
    let mut world = alice();
    // What the service says is lost from now on, and so is what the adapter says.
    world.missed("offline", "alice", None, "1");
    world.pass(Duration::from_millis(3));
    world.adapter().disconnect();
    world.pass(Duration::from_secs(80));
    world.cut();
    world.connect();
    world.pass(Duration::from_secs(60));
    assert_eq!(bodies(&mut world), ["1"]);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn what_the_adapter_has_published_is_not_published_again() {
    let mut world = alice();
    world.service().manner = Manner::Slow(Duration::from_secs(5));
    world.missed("offline", "alice", None, "1");
    world.settle();
    world.cut();
    world.pass(Duration::from_secs(10));
    world.connect();
    world.settle();
    assert_eq!(bodies(&mut world), ["1"]);
    assert_eq!(ends(&mut world), [PublishEnd::Accepted]);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn a_restarted_server_tells_again_and_is_acknowledged() {
    let mut world = alice();
    world.service().manner = Manner::Slow(Duration::from_secs(5));
    world.missed("offline", "alice", None, "1");
    world.settle();
    world.restart_server("example.org");
    world.pass(Duration::from_secs(90));
    world.connect();
    world.pass(Duration::from_secs(60));
    // The first answer was lost with the server: it is not known that the notification arrived.
    assert_eq!(bodies(&mut world), ["1", "1"]);
    assert_eq!(world.adapter().kept(), 0);
    world.missed("offline", "alice", None, "2");
    world.pass(Duration::from_secs(60));
    assert_eq!(bodies(&mut world), ["1", "1", "2"]);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn an_answer_to_a_request_of_a_former_epoch_is_not_given_to_another() {
    let mut world = World::attached();
    world.store(push_tests::world::Mood::Slow(Duration::from_secs(3)));
    let bad = "<enable xmlns='urn:xmpp:push:0' jid='push.example.net' node='n'/>";
    world.ask("alice", "phone", bad);
    world.pass(Duration::from_secs(1));
    world.restart_server("example.org");
    world.connect();
    world.pass(Duration::from_millis(100));
    // Number 1 again, of another client, to be refused.
    let number = world.ask("bob", "phone", "<enable xmlns='urn:xmpp:push:0' node='n'/>");
    world.pass(Duration::from_secs(20));
    assert_eq!(
        world.adapter().told(number).unwrap().what,
        "modify/bad-request"
    );
    let told = world
        .adapter()
        .told
        .iter()
        .filter(|told| told.what == "result");
    assert_eq!(told.count(), 0);
}

#[test]
fn a_killed_service_publishes_what_was_not_acknowledged() {
    let mut world = alice();
    world.service().manner = Manner::Silent;
    world.missed("offline", "alice", None, "1");
    world.settle();
    world.service().manner = Manner::Accepts;
    world.restart_service(telling(settings()), 9);
    world.connect();
    world.settle();
    assert_eq!(bodies(&mut world), ["1", "1"]);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn a_user_who_is_back_is_not_woken() {
    let mut world = alice();
    world.cut();
    world.missed("offline", "alice", None, "1");
    world.adapter().arrive("alice", Seat::live("phone", 0));
    world.connect();
    world.settle();
    assert!(bodies(&mut world).is_empty());
}

#[test]
fn what_has_not_left_is_withdrawn_when_the_user_is_back() {
    let mut settings = telling(settings());
    settings.policy.in_flight_per_service = 1;
    let mut world = World::attached_with(settings);
    world.enable("alice", "phone", "alices");
    world.enable("bob", "phone", "bobs");
    world.service().manner = Manner::Slow(Duration::from_secs(5));
    world.missed("offline", "bob", None, "1");
    world.missed("offline", "alice", None, "2");
    world.pass(Duration::from_secs(1));
    world.reports();
    world.adapter().arrive("alice", Seat::live("laptop", 0));
    world.pass(Duration::from_secs(10));
    assert_eq!(bodies(&mut world), ["1"]);
    assert_eq!(
        ends(&mut world),
        [PublishEnd::Withdrawn, PublishEnd::Accepted]
    );
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn an_undecided_event_is_withdrawn_when_the_user_is_back() {
    let mut world = alice();
    world.bench.tell(push_core::Event::Invalidate(
        push_core::BareJid::new("alice@example.org").unwrap(),
    ));
    world.store(push_tests::world::Mood::Slow(Duration::from_secs(3)));
    world.missed("offline", "alice", None, "1");
    world.pass(Duration::from_secs(1));
    world.adapter().arrive("alice", Seat::live("laptop", 0));
    world.pass(Duration::from_secs(10));
    assert!(bodies(&mut world).is_empty());
    let decided = world.reports().into_iter().find_map(|report| match report {
        Report::Decided { decision, .. } => Some(decision),
        _ => None,
    });
    assert_eq!(decided, Some(Decision::Withdrawn));
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn requests_of_a_lost_connection_can_be_made_again() {
    let mut world = alice();
    world.cut();
    let enable = format!("<enable xmlns='urn:xmpp:push:0' jid='{SERVICE}' node='new'/>");
    assert_eq!(
        world.request("alice", "phone", &enable),
        "wait/service-unavailable"
    );
    world.connect();
    world.settle();
    assert_eq!(world.request("alice", "phone", &enable), "result");
}

#[test]
fn a_reload_of_the_adapter_that_only_knocks_is_enough() {
    let mut world = alice();
    world.missed("offline", "alice", None, "1");
    world.pass(Duration::from_millis(3));
    // Deaf and reloaded: the stream of the component stays up.
    world.adapter().disconnect();
    world.settle();
    world.adapter().connect();
    world.settle();
    assert_eq!(bodies(&mut world), ["1"]);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn an_event_over_the_limit_is_passed_over_and_acknowledged_by_the_next() {
    for first in [true, false] {
        let mut world = alice();
        if !first {
            world.missed("offline", "alice", None, "0");
            world.settle();
            world.service().take();
        }
        let big = format!("big{}", "x".repeat(2 << 20));
        world.missed("offline", "alice", None, &big);
        world.settle();
        world.missed("offline", "alice", None, "1");
        world.settle();
        assert_eq!(bodies(&mut world), ["1"]);
        assert_eq!(world.adapter().kept(), 0, "first: {first}");
    }
}

#[test]
fn a_refusal_that_was_lost_on_the_way_is_no_outcome() {
    let mut world = alice();
    world.adapter().max_in_flight = 0;
    world.missed("offline", "alice", None, "1");
    // The adapter has just refused it.
    world.pass(Duration::from_millis(4));
    world.cut();
    world.adapter().max_in_flight = 10;
    world.connect();
    world.pass(Duration::from_secs(60));
    assert_eq!(bodies(&mut world), ["1"]);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn requests_right_behind_the_hello_are_heard() {
    let mut world = alice();
    world.cut();
    world.connect();
    // Our hello has arrived and is answered; the adapter's knock was on its way at the same time.
    world.pass(Duration::from_millis(2));
    assert!(world.adapter().is_attached());
    let enable = format!("<enable xmlns='urn:xmpp:push:0' jid='{SERVICE}' node='new'/>");
    assert_eq!(world.request("alice", "phone", &enable), "result");
}
