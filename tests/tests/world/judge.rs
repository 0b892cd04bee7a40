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

/// The state of a registration a minute after the answer to its first notification.
#[derive(Debug, PartialEq, Eq)]
struct Fate {
    /// Its status, or `removed`.
    status: &'static str,
    /// How often the push service was tried.
    attempts: usize,
    /// Events that are deferred.
    waiting: usize,
    /// The number of messages that the next notification tells of, if there is one.
    told: Option<u64>,
}

const ACCEPTED: Fate = Fate {
    status: "active",
    attempts: 1,
    waiting: 0,
    told: Some(1),
};
const ENDED: Fate = Fate {
    status: "removed",
    told: None,
    ..ACCEPTED
};
/// Says nothing about the registration, and is tried again.
const PASSES: Fate = Fate {
    status: "active",
    attempts: 2,
    waiting: 1,
    told: Some(2),
};
/// The push service accepts others, so it is this registration that it refuses.
const COUNTS: Fate = Fate {
    status: "failing",
    ..PASSES
};
/// Nobody has answered for 40 s, so the second attempt is still to come.
const UNANSWERED: Fate = Fate {
    attempts: 1,
    ..PASSES
};

const FATES: [(Manner, Fate); 28] = [
    (Manner::Accepts, ACCEPTED),
    (Manner::Slow(Duration::from_secs(20)), ACCEPTED),
    (Manner::Silent, UNANSWERED),
    (Manner::Foreign, PASSES),
    (Manner::Unreachable, PASSES),
    (Manner::Refuses("cancel", "remote-server-not-found"), PASSES),
    (Manner::Refuses("cancel", "remote-server-timeout"), PASSES),
    (Manner::Refuses("wait", "item-not-found"), PASSES),
    (Manner::Refuses("wait", "internal-server-error"), PASSES),
    (Manner::Refuses("wait", "resource-constraint"), PASSES),
    (Manner::Refuses("modify", "resource-constraint"), PASSES),
    (Manner::Refuses("continue", "made-up"), PASSES),
    (Manner::Refuses("cancel", "item-not-found"), ENDED),
    (Manner::Refuses("cancel", "gone"), ENDED),
    (Manner::Refuses("modify", "gone"), ENDED),
    (Manner::Refuses("auth", "forbidden"), ENDED),
    (Manner::Refuses("auth", "not-authorized"), ENDED),
    (Manner::Refuses("cancel", "service-unavailable"), COUNTS),
    (Manner::Refuses("modify", "not-acceptable"), COUNTS),
    (Manner::Refuses("modify", "bad-request"), COUNTS),
    (Manner::Refuses("auth", "registration-required"), COUNTS),
    (Manner::Refuses("cancel", "bad-request"), COUNTS),
    (Manner::Refuses("cancel", "conflict"), COUNTS),
    (Manner::Refuses("cancel", "feature-not-implemented"), COUNTS),
    (Manner::Refuses("cancel", "internal-server-error"), COUNTS),
    (Manner::Refuses("cancel", "not-allowed"), COUNTS),
    (Manner::Refuses("cancel", "policy-violation"), COUNTS),
    (Manner::Refuses("cancel", "made-up"), COUNTS),
];

/// The fate of Alice's registration at a push service that has accepted Bob's.
fn fate(manner: Manner) -> Fate {
    let mut world = alice();
    world.enable("bob", "phone", "bob");
    world.missed("offline", "bob", None, "accepted");
    world.settle();
    let by_node = &mut world.service().by_node;
    by_node.insert("phone".to_owned(), manner);
    world.service().take();
    world.missed("offline", "alice", None, "1");
    world.pass(Duration::from_secs(60));
    assert_eq!(world.adapter().outstanding(), 0, "{manner:?}");
    let (attempts, waiting) = (world.service().take().len(), world.adapter().deferred());
    let status = status(&mut world);
    world.service().by_node.clear();
    world.missed("offline", "alice", None, "2");
    world.settle();
    assert_eq!(world.adapter().kept(), 0, "{manner:?}");
    let told = world.service().take();
    assert!(told.len() <= 1, "{manner:?}: {told:#?}");
    Fate {
        status,
        attempts,
        waiting,
        told: told.first().map(|one| one.count),
    }
}

/// Alice's registration, as the store has it and as it was reported.
fn status(world: &mut World) -> &'static str {
    let have = world.bench.store.registrations("alice@example.org");
    let status = have.first().map_or("removed", |have| have.status.as_str());
    let is_end = |report: &Report| matches!(report, Report::Ended { .. });
    let ended = world.reports().iter().any(is_end);
    assert_eq!(ended, status == "removed");
    status
}

#[test]
fn an_answer_means_what_its_type_and_condition_say() {
    for (manner, expected) in FATES {
        assert_eq!(fate(manner), expected, "{manner:?}");
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
    let mut settings = push_tests::world::telling(push_tests::world::settings());
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
