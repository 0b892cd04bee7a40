//! The store is down, slow, or answers too late.

use push_core::registration::PublishOptions;
use push_core::report::Report;
use push_core::{Policy, Registration};
use push_tests::store::{enable as change, registration};
use push_tests::world::telling;
use push_tests::world::{Mood, SERVICE, World, settings};
use std::time::Duration;

fn enable(node: &str) -> String {
    format!("<enable xmlns='urn:xmpp:push:0' jid='{SERVICE}' node='{node}'/>")
}

/// alice has a registration that is not in the Machine's memory.
fn cold() -> World {
    let mut world = World::attached();
    world.enable("alice", "phone", "phone");
    world.restart_service(telling(settings()), 9);
    world.connect();
    world.settle();
    world
}

#[test]
fn requests_are_refused_with_wait_at_once() {
    let mut world = cold();
    for (mood, answer) in [
        (Mood::Unavailable, "wait/service-unavailable"),
        (Mood::Refuses, "wait/internal-server-error"),
    ] {
        world.store(mood);
        assert_eq!(world.request("alice", "phone", &enable("phone")), answer);
        assert_eq!(world.request("bob", "phone", &enable("phone")), answer);
    }
    world.store(Mood::Works);
    assert_eq!(world.request("bob", "phone", &enable("phone")), "result");
}

#[test]
fn missed_messages_wait_unacknowledged_and_are_published_when_it_is_back() {
    let mut world = cold();
    world.store(Mood::Unavailable);
    for body in ["1", "2", "3"] {
        world.missed("offline", "alice", None, body);
        world.settle();
    }
    world.pass(Duration::from_secs(600));
    assert_eq!(world.adapter().kept(), 3);
    assert!(world.service().received.is_empty());
    let failed = world.reports().into_iter();
    let failed = failed
        .filter(|report| matches!(report, Report::StoreFailed { .. }))
        .count();
    assert!(
        (20..40).contains(&failed),
        "asked {failed} times in ten minutes"
    );
    world.store(Mood::Works);
    world.pass(Duration::from_secs(31));
    // One notification for all that waited, with the newest content.
    let told = world.service().take();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].count, told[0].body.as_deref()), (3, Some("3")));
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn a_registration_whose_options_nobody_opened_is_not_published() {
    let mut world = World::attached();
    for (node, options) in [
        ("open", PublishOptions::default()),
        ("sealed", PublishOptions::sealed("text")),
    ] {
        let registration = Registration {
            options,
            ..registration(SERVICE, node, 1)
        };
        world
            .bench
            .store
            .commit(change("alice@example.org", &registration));
    }
    world.missed("offline", "alice", None, "1");
    world.settle();
    assert_eq!(world.service().nodes(), ["open"]);
    let reported = world.reports().into_iter();
    let reported = reported.filter(|report| matches!(report, Report::Corrupt { rows: 1, .. }));
    assert_eq!(reported.count(), 1);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn a_request_does_not_wait_for_the_pause_of_a_missed_message() {
    let mut world = cold();
    world.store(Mood::Unavailable);
    world.missed("offline", "alice", None, "1");
    world.pass(Duration::from_secs(120));
    assert_eq!(
        world.request("alice", "phone", &enable("phone")),
        "wait/service-unavailable"
    );
    world.store(Mood::Works);
    assert_eq!(world.request("alice", "phone", &enable("phone")), "result");
    world.settle();
    assert_eq!(world.service().nodes(), ["phone"]);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn requests_of_one_user_are_answered_in_order_and_each_once() {
    let mut world = World::attached();
    world.store(Mood::Slow(Duration::from_secs(1)));
    let disable = format!("<disable xmlns='urn:xmpp:push:0' jid='{SERVICE}'/>");
    let asked: Vec<u64> = [enable("a"), disable, enable("b"), enable("c")]
        .iter()
        .map(|payload| world.ask("alice", "phone", payload))
        .collect();
    world.pass(Duration::from_secs(20));
    let told: Vec<u64> = world
        .adapter()
        .told
        .iter()
        .map(|told| told.number)
        .collect();
    assert_eq!(told, asked);
    let nodes = world.bench.store.registrations("alice@example.org");
    let nodes: Vec<&str> = nodes.iter().map(|have| have.target.node.as_str()).collect();
    assert_eq!(nodes, ["b", "c"]);
}

#[test]
fn a_question_is_given_up_exactly_at_its_deadline() {
    let timeout = Policy::default().store_timeout;
    let early = timeout.checked_sub(Duration::from_millis(1)).unwrap();
    for (answers_after, answer) in [
        (early, "result"),
        (timeout, "result"),
        (
            timeout + Duration::from_millis(1),
            "wait/service-unavailable",
        ),
    ] {
        let mut world = World::attached();
        world.enable("alice", "phone", "a");
        world.store(Mood::Slow(answers_after));
        let number = world.ask("alice", "phone", &enable("b"));
        world.pass(timeout + Duration::from_secs(2));
        assert_eq!(
            world.adapter().told(number).unwrap().what,
            answer,
            "{answers_after:?}"
        );
    }
}

#[test]
fn a_commit_that_was_done_too_late_is_not_overlooked() {
    let mut world = World::attached();
    world.store(Mood::Slow(Duration::from_secs(15)));
    // The load takes too long, too; then only the commit.
    world.ask("alice", "phone", &enable("early"));
    world.pass(Duration::from_secs(60));
    world.store(Mood::Works);
    world.missed("offline", "alice", None, "0");
    world.settle();
    world.store(Mood::Slow(Duration::from_secs(15)));
    let number = world.ask("alice", "phone", &enable("late"));
    world.pass(Policy::default().store_timeout + Duration::from_secs(1));
    assert_eq!(
        world.adapter().told(number).unwrap().what,
        "wait/service-unavailable"
    );
    world.store(Mood::Works);
    // In between nobody has a registration yet, and the adapter is told so.
    world.missed("offline", "alice", None, "1");
    world.settle();
    world.pass(Duration::from_secs(10));
    assert_eq!(world.bench.store.len(), 1);
    world.missed("offline", "alice", None, "2");
    world.settle();
    assert_eq!(world.service().nodes(), ["late"]);
}

#[test]
fn a_silent_store_blocks_no_other_user_and_nothing_is_lost() {
    let mut world = World::attached();
    world.enable("alice", "phone", "alices");
    world.enable("bob", "phone", "bobs");
    world.bench.tell(push_core::Event::Invalidate(
        push_core::BareJid::new("alice@example.org").unwrap(),
    ));
    world.store(Mood::Silent);
    world.missed("offline", "alice", None, "1");
    world.settle();
    world.missed("offline", "bob", None, "2");
    world.settle();
    assert_eq!(world.service().nodes(), ["bobs"]);
    world.store(Mood::Works);
    world.pass(Duration::from_secs(60));
    assert_eq!(world.service().nodes(), ["bobs", "alices"]);
}

#[test]
fn only_so_many_users_are_asked_for_at_the_same_time() {
    let mut settings = telling(settings());
    settings.policy.workers = 3;
    let mut world = World::attached_with(settings);
    world.store(Mood::Slow(Duration::from_secs(1)));
    for user in 0..9 {
        world.missed("offline", &format!("u{user}"), None, "m");
    }
    world.pass(Duration::from_millis(500));
    assert_eq!(world.bench.store.asked, 3);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.bench.store.asked, 6);
    world.pass(Duration::from_secs(10));
    assert_eq!(world.bench.store.asked, 9);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn requests_during_an_outage_do_not_multiply_what_the_store_is_asked() {
    let mut world = World::attached();
    world.enable("alice", "phone", "phone");
    world.bench.tell(push_core::Event::Invalidate(
        push_core::BareJid::new("alice@example.org").unwrap(),
    ));
    world.collect();
    world.store(Mood::Unavailable);
    world.missed("offline", "alice", None, "waiting");
    let payload = format!("<enable xmlns='urn:xmpp:push:0' jid='{SERVICE}' node='n'/>");
    for _ in 0..100 {
        assert_eq!(
            world.request("alice", "phone", &payload),
            "wait/service-unavailable"
        );
    }
    let before = world.bench.store.asked;
    world.pass(Duration::from_secs(600));
    let asked = world.bench.store.asked - before;
    assert!(
        (19..=21).contains(&asked),
        "asked {asked} times in ten minutes"
    );
}
