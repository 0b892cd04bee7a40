//! What answers do to registrations, through the whole Machine.

use push_core::report::Report;
use push_tests::world::{Manner, Mood, World};
use std::time::Duration;

fn alice() -> World {
    let mut world = World::attached();
    world.enable("alice", "phone", "phone");
    world.reports();
    world
}

/// Whether the registration is there after an answer.
fn survives(manner: Manner) -> bool {
    let mut world = alice();
    world.service().manner = manner;
    world.missed("offline", "alice", None, "1");
    world.pass(Duration::from_secs(60));
    assert_eq!(world.adapter().outstanding(), 0, "{manner:?}");
    let waiting = world.adapter().deferred() as u64;
    let ended = world
        .reports()
        .iter()
        .any(|report| matches!(report, Report::Ended { .. }));
    let survived = world.bench.store.len() == 1;
    assert_eq!(ended, !survived, "{manner:?}");
    world.service().manner = Manner::Accepts;
    world.service().take();
    world.missed("offline", "alice", None, "2");
    world.settle();
    // A message that has failed is told together with later ones.
    let told: Vec<u64> = world.service().take().iter().map(|one| one.count).collect();
    let expected = survived.then_some(waiting + 1);
    assert_eq!(told, Vec::from_iter(expected), "{manner:?}");
    assert_eq!(world.adapter().kept(), 0, "{manner:?}");
    survived
}

#[test]
fn the_push_service_s_word_ends_a_registration() {
    for (kind, condition) in [
        ("cancel", "item-not-found"),
        ("cancel", "gone"),
        ("modify", "gone"),
        ("auth", "forbidden"),
        ("auth", "not-authorized"),
    ] {
        assert!(
            !survives(Manner::Refuses(kind, condition)),
            "{kind} {condition}"
        );
    }
}

#[test]
fn nobody_s_hiccup_does() {
    for manner in [
        Manner::Accepts,
        Manner::Silent,
        Manner::Foreign,
        Manner::Unreachable,
        Manner::Slow(Duration::from_secs(20)),
        Manner::Refuses("wait", "item-not-found"),
        Manner::Refuses("wait", "internal-server-error"),
        Manner::Refuses("wait", "resource-constraint"),
        Manner::Refuses("cancel", "remote-server-not-found"),
        Manner::Refuses("cancel", "remote-server-timeout"),
        Manner::Refuses("cancel", "service-unavailable"),
        Manner::Refuses("modify", "not-acceptable"),
        Manner::Refuses("modify", "bad-request"),
        Manner::Refuses("auth", "registration-required"),
        Manner::Refuses("continue", "made-up"),
        Manner::Refuses("cancel", "bad-request"),
        Manner::Refuses("cancel", "conflict"),
        Manner::Refuses("cancel", "feature-not-implemented"),
        Manner::Refuses("cancel", "internal-server-error"),
        Manner::Refuses("cancel", "not-allowed"),
        Manner::Refuses("cancel", "policy-violation"),
        Manner::Refuses("cancel", "made-up"),
    ] {
        assert!(survives(manner), "{manner:?}");
    }
}

#[test]
fn an_answer_to_a_former_enable_does_not_end_the_new_one() {
    let mut world = alice();
    world.service().manner = Manner::Silent;
    world.missed("offline", "alice", None, "1");
    world.settle();
    world.enable("alice", "phone", "phone");
    world
        .adapter()
        .outcome(1, "type='error' etype='cancel' condition='item-not-found'");
    world.settle();
    assert_eq!(world.bench.store.len(), 1);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn nor_when_the_new_one_is_stored_while_the_answer_is_acted_on() {
    let mut world = alice();
    world.service().manner = Manner::Silent;
    world.missed("offline", "alice", None, "1");
    world.settle();
    world.store(Mood::Slow(Duration::from_secs(1)));
    let enable = "<enable xmlns='urn:xmpp:push:0' jid='push.example.net' node='phone'/>";
    let number = world.ask("alice", "phone", enable);
    world
        .adapter()
        .outcome(1, "type='error' etype='cancel' condition='item-not-found'");
    world.pass(Duration::from_secs(10));
    assert_eq!(world.adapter().told(number).unwrap().what, "result");
    assert_eq!(world.bench.store.len(), 1);
}

#[test]
fn an_end_waits_for_the_store() {
    let mut world = alice();
    world.service().manner = Manner::Refuses("cancel", "item-not-found");
    world.missed("offline", "alice", None, "1");
    world.store(Mood::Unavailable);
    world.settle();
    assert_eq!(world.bench.store.len(), 1);
    world.store(Mood::Works);
    world.pass(Duration::from_secs(60));
    assert!(world.bench.store.is_empty());
    assert!(world.bench.machine.is_idle());
}

#[test]
fn an_end_takes_what_waits_for_the_same_registration_along() {
    let mut settings = push_tests::world::stage::telling(push_tests::world::settings());
    settings.policy.in_flight_per_service = 1;
    let mut world = World::attached_with(settings);
    world.enable("alice", "phone", "phone");
    world.enable("alice", "tablet", "tablet");
    world.service().manner = Manner::Refuses("cancel", "gone");
    world.missed("offline", "alice", None, "1");
    world.settle();
    assert!(world.bench.store.is_empty());
    assert_eq!(world.adapter().kept(), 0);
    assert_eq!(world.service().nodes(), ["phone", "tablet"]);
}
