//! Two messages that look alike are two, and one message is one, whatever happens meanwhile.

use push_tests::world::messages::chat;
use push_tests::world::telling;
use push_tests::world::{Manner, Seat, World, settings};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

fn alice() -> World {
    let mut world = World::attached_with(telling(settings()));
    world.enable("alice", "phone", "phone");
    world
}

/// How many messages the push service was told of since the last call.
fn told(world: &mut World) -> u64 {
    let told = world.service().take();
    told.iter().map(|one| one.count).sum()
}

/// One of two messages that look alike.
fn alike(world: &mut World, key: &str, kind: &'static str) {
    let resource = matches!(kind, "queued" | "unacked" | "lost").then_some("phone");
    world.missed_as(key, kind, "alice", resource, "disk full");
    world.settle();
}

#[test]
fn two_at_once_are_two() {
    let mut world = alice();
    alike(&mut world, "a", "offline");
    alike(&mut world, "b", "offline");
    assert_eq!(told(&mut world), 2);
}

#[test]
fn one_before_and_one_after_the_user_was_there_are_two() {
    for kinds in [
        ["offline", "offline"],
        ["queued", "offline"],
        ["offline", "queued"],
        ["unacked", "queued"],
    ] {
        let mut world = alice();
        alike(&mut world, "a", kinds[0]);
        world.adapter().arrive("alice", Seat::live("phone", 0));
        world.collect();
        world.adapter().leave("alice", "phone");
        alike(&mut world, "b", kinds[1]);
        assert_eq!(told(&mut world), 2, "{kinds:?}");
    }
}

/// No server tells without keys; what forwards messages without an adapter does.
#[test]
fn without_keys_two_of_one_cause_are_two() {
    for message in [
        chat("alice", "disk full"),
        "<message xmlns='jabber:client' type='chat' from='bob@example.com/x'><body>disk full</body></message>".to_owned(),
    ] {
        let mut world = alice();
        for (kind, count) in [("queued", 1), ("queued", 1), ("offline", 0), ("offline", 0), ("offline", 1)] {
            world.missed_message(kind, "alice", None, &message);
            world.settle();
            assert_eq!(told(&mut world), count, "{kind}");
        }
    }
}

#[test]
fn what_was_joined_while_the_service_was_away_is_known_again() {
    let mut world = alice();
    world.cut();
    for key in ["a", "b", "c"] {
        alike(&mut world, key, "queued");
    }
    world.connect();
    world.settle();
    assert_eq!(told(&mut world), 3);
    for key in ["a", "b", "c"] {
        alike(&mut world, key, "lost");
        alike(&mut world, key, "offline");
    }
    assert_eq!(told(&mut world), 0);
}

#[test]
fn of_a_joined_entry_only_what_is_news_counts() {
    let mut world = alice();
    alike(&mut world, "a", "queued");
    assert_eq!(told(&mut world), 1);
    world.cut();
    alike(&mut world, "a", "offline");
    alike(&mut world, "b", "offline");
    world.connect();
    world.settle();
    assert_eq!(told(&mut world), 1);
}

#[test]
fn of_more_than_twenty_joined_messages_the_newest_are_known() {
    let mut world = alice();
    world.cut();
    let keys: Vec<String> = (0..30).map(|n| format!("k{n}")).collect();
    for key in &keys {
        alike(&mut world, key, "queued");
    }
    world.connect();
    world.settle();
    assert_eq!(told(&mut world), 30);
    for key in &keys[10..] {
        alike(&mut world, key, "offline");
    }
    assert_eq!(told(&mut world), 0);
    alike(&mut world, &keys[0], "offline");
    assert_eq!(told(&mut world), 1, "when in doubt");
}

#[test]
fn what_was_deferred_is_told_once_with_its_number() {
    let mut world = alice();
    world.service().manner = Manner::Unreachable;
    alike(&mut world, "a", "queued");
    alike(&mut world, "b", "queued");
    world.pass(MINUTE);
    alike(&mut world, "a", "lost");
    alike(&mut world, "a", "offline");
    world.service().manner = Manner::Accepts;
    world.service().accepted.clear();
    world.pass(10 * MINUTE);
    let accepted = world.service().accepted.iter();
    assert_eq!(accepted.map(|one| one.count).sum::<u64>(), 2);
    told(&mut world);
    alike(&mut world, "b", "lost");
    alike(&mut world, "b", "offline");
    assert_eq!(told(&mut world), 0);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn what_a_restarted_server_tells_again_is_known() {
    let mut world = alice();
    world.service().manner = Manner::Slow(MINUTE / 6);
    for kind in ["unacked", "lost", "offline"] {
        alike(&mut world, "a", kind);
    }
    world.restart_server("example.org");
    world.connect();
    world.pass(10 * MINUTE);
    let accepted = world.service().accepted.iter();
    // The answer to the first was lost with the server.
    assert!(accepted.map(|one| one.count).sum::<u64>() <= 2);
    assert_eq!(world.adapter().kept(), 0);
}

/// A standby has the same settings and store, and as little memory as a service that was restarted.
#[test]
fn another_run_of_the_service_may_tell_once_more_and_then_knows() {
    let mut world = alice();
    alike(&mut world, "a", "queued");
    assert_eq!(told(&mut world), 1);
    world.restart_service(telling(settings()), 8);
    world.connect();
    world.settle();
    alike(&mut world, "a", "lost");
    assert!(told(&mut world) <= 1, "once more is allowed");
    alike(&mut world, "a", "offline");
    assert_eq!(told(&mut world), 0);
    alike(&mut world, "b", "offline");
    assert_eq!(told(&mut world), 1);
}

#[test]
fn a_device_that_is_lost_again_is_told_again_and_others_are_not() {
    let mut world = alice();
    world.enable("alice", "tablet", "tablet");
    world.adapter().arrive("alice", Seat::hibernated("phone"));
    alike(&mut world, "a", "archived");
    alike(&mut world, "a", "unacked");
    assert_eq!(world.service().nodes(), ["phone", "tablet"]);
    told(&mut world);
    alike(&mut world, "a", "unacked");
    assert_eq!(world.service().nodes(), ["phone"]);
    told(&mut world);
    world.adapter().leave("alice", "phone");
    alike(&mut world, "a", "lost");
    alike(&mut world, "a", "offline");
    assert_eq!(told(&mut world), 0);
}

#[test]
fn ten_thousand_messages_of_one_sender_are_as_many() {
    let mut settings = telling(settings());
    settings.policy.dedupe_entries = 1000;
    let mut world = World::attached_with(settings);
    world.enable("alice", "phone", "phone");
    for n in 0..10_000 {
        world.missed_as(&format!("k{n}"), "offline", "alice", None, "disk full");
        if n % 100 == 99 {
            world.settle();
        }
    }
    world.settle();
    assert_eq!(told(&mut world), 10_000);
    world.missed_as("k9999", "offline", "alice", None, "disk full");
    world.settle();
    assert_eq!(told(&mut world), 0);
    world.missed_as("k0", "offline", "alice", None, "disk full");
    world.settle();
    assert_eq!(told(&mut world), 1, "forgotten: the memory is bounded");
}
