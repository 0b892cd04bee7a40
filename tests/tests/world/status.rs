//! How registrations fare over days and weeks, through the whole Machine.

use push_core::registration::Status;
use push_core::report::{EndReason, Report};
use push_core::xep::error::DefinedCondition;
use push_tests::world::telling;
use push_tests::world::{Manner, World, settings};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const BAD: Manner = Manner::Refuses("cancel", "bad-request");
const GONE: Manner = Manner::Refuses("cancel", "item-not-found");

/// A world in which these users have one registration each; its node is the user's name.
fn world(users: &[&str]) -> World {
    let mut settings = telling(settings());
    // Else most of what happens in weeks are pings.
    settings.policy.ping_interval = DAY;
    let mut world = World::attached_with(settings);
    for user in users {
        world.enable(user, "phone", user);
    }
    world.reports();
    world
}

/// How the registration of a user fares, as it is stored; nothing when it has ended.
fn stored(world: &World, user: &str) -> Option<Status> {
    let have = world
        .bench
        .store
        .registrations(&format!("{user}@example.org"));
    have.first().map(|have| have.status)
}

fn word(world: &World, user: &str) -> &'static str {
    stored(world, user).map_or("ended", Status::as_str)
}

/// So many messages to a user within a few seconds; returns how many times their device was notified.
fn messages(world: &mut World, user: &str, count: usize) -> usize {
    let before = notified(world, user);
    for number in 0..count {
        let body = format!("{user} {} {number}", world.now().as_millis());
        world.missed("offline", user, None, &body);
        world.pass(Duration::from_secs(1));
    }
    notified(world, user) - before
}

/// So many messages to each of them.
fn everybody(world: &mut World, users: &[impl AsRef<str>], count: usize) {
    for user in users {
        messages(world, user.as_ref(), count);
    }
}

fn notified(world: &mut World, user: &str) -> usize {
    world
        .service()
        .nodes()
        .iter()
        .filter(|node| **node == user)
        .count()
}

#[test]
fn what_is_refused_for_days_is_quarantined_and_after_weeks_it_ends() {
    let mut world = world(&["alice", "bob"]);
    world.service().by_node.insert("alice".into(), BAD);
    for day in 0..15 {
        messages(&mut world, "bob", 1);
        let told = messages(&mut world, "alice", 3);
        let (expected, status) = match day {
            0..=2 => (3, "failing"),
            3 => (1, "quarantined"),
            4..=13 => (1, "quarantined"),
            _ => (1, "ended"),
        };
        assert_eq!(
            (told, word(&world, "alice")),
            (expected, status),
            "day {day}"
        );
        world.pass(DAY);
    }
    assert_eq!(word(&world, "bob"), "active");
    let ended = world.reports().into_iter().find_map(|report| match report {
        Report::Ended { reason, .. } => Some(reason),
        _ => None,
    });
    let expected = EndReason::RefusedForDays(DefinedCondition::BadRequest);
    assert_eq!(ended, Some(expected));
}

#[test]
fn one_in_quarantine_that_is_accepted_is_active_at_once() {
    let mut world = world(&["alice", "bob"]);
    world.service().by_node.insert("alice".into(), BAD);
    for _ in 0..4 {
        messages(&mut world, "bob", 1);
        messages(&mut world, "alice", 1);
        world.pass(DAY);
    }
    assert_eq!(word(&world, "alice"), "quarantined");
    world.service().by_node.clear();
    assert_eq!(messages(&mut world, "alice", 5), 5);
    assert_eq!(word(&world, "alice"), "active");
}

#[test]
fn one_in_quarantine_that_nobody_answers_for_is_tried_once_a_day_all_the_same() {
    let mut world = world(&["alice", "bob"]);
    world.service().by_node.insert("alice".into(), BAD);
    for _ in 0..4 {
        messages(&mut world, "bob", 1);
        messages(&mut world, "alice", 1);
        world.pass(DAY);
    }
    world
        .service()
        .by_node
        .insert("alice".into(), Manner::Silent);
    assert_eq!(messages(&mut world, "alice", 5), 1);
    world.pass(23 * HOUR);
    assert_eq!(messages(&mut world, "alice", 5), 0);
    world.pass(HOUR);
    assert_eq!(messages(&mut world, "alice", 5), 1);
}

#[test]
fn enabling_again_begins_anew() {
    let mut world = world(&["alice", "bob"]);
    world.service().by_node.insert("alice".into(), BAD);
    for _ in 0..4 {
        messages(&mut world, "bob", 1);
        messages(&mut world, "alice", 1);
        world.pass(DAY);
    }
    world.enable("alice", "phone", "alice");
    assert_eq!(word(&world, "alice"), "active");
    messages(&mut world, "bob", 1);
    assert_eq!(messages(&mut world, "alice", 3), 3);
    assert_eq!(word(&world, "alice"), "failing");
}

#[test]
fn neither_what_is_accepted_nor_a_further_refusal_of_the_day_writes_anything() {
    let mut world = world(&["alice", "bob"]);
    messages(&mut world, "alice", 1);
    messages(&mut world, "bob", 1);
    let asked = world.bench.store.asked;
    messages(&mut world, "alice", 9);
    messages(&mut world, "bob", 9);
    assert_eq!(world.bench.store.asked, asked);
    world.service().by_node.insert("alice".into(), BAD);
    messages(&mut world, "alice", 9);
    assert_eq!(world.bench.store.asked, asked + 1);
    let trouble = stored(&world, "alice").unwrap().trouble().unwrap();
    assert_eq!((trouble.refusals, trouble.days), (1, 1));
    world.pass(DAY);
    messages(&mut world, "bob", 1);
    messages(&mut world, "alice", 1);
    assert_eq!(world.bench.store.asked, asked + 2);
    let trouble = stored(&world, "alice").unwrap().trouble().unwrap();
    assert_eq!(
        (trouble.refusals, trouble.days),
        (15, 2),
        "the other eight count, and the last of them was tried again five times"
    );
}

#[test]
fn an_outage_that_refuses_everybody_for_weeks_ends_nobody() {
    let users = ["u0", "u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8", "u9"];
    let mut world = world(&users);
    everybody(&mut world, &users, 1);
    world.service().manner = BAD;
    for _ in 0..20 {
        world.pass(DAY);
        everybody(&mut world, &users, 2);
    }
    let fare: Vec<_> = users.iter().map(|user| word(&world, user)).collect();
    assert!(
        !fare.contains(&"ended") && !fare.contains(&"quarantined"),
        "{fare:?}"
    );
    world.service().manner = Manner::Accepts;
    world.pass(HOUR);
    for user in users {
        assert_eq!(messages(&mut world, user, 2), 2);
        assert_eq!(word(&world, user), "active");
    }
}

#[test]
fn a_push_service_that_has_forgotten_everybody_quarantines_most_and_can_recover() {
    let users: Vec<String> = (0..40).map(|number| format!("u{number}")).collect();
    let mut world = world(&users.iter().map(String::as_str).collect::<Vec<_>>());
    everybody(&mut world, &users, 1);
    world.service().manner = GONE;
    everybody(&mut world, &users, 1);
    let count = |world: &World, status| {
        users
            .iter()
            .filter(|user| word(world, user) == status)
            .count()
    };
    assert_eq!(count(&world, "ended"), 8, "a fifth");
    assert_eq!(count(&world, "quarantined"), 32);
    world.pass(DAY);
    // While nobody is accepted, nobody else ends.
    everybody(&mut world, &users, 1);
    assert_eq!(count(&world, "quarantined"), 32);
    world.pass(DAY);
    world.service().manner = Manner::Accepts;
    everybody(&mut world, &users, 1);
    assert_eq!(count(&world, "active"), 32);
}

#[test]
fn registrations_at_a_push_service_that_is_gone_end_after_sixty_days() {
    let mut world = world(&["alice"]);
    messages(&mut world, "alice", 1);
    world.service().manner = Manner::Unreachable;
    assert_eq!(messages(&mut world, "alice", 2), 2);
    assert_eq!(word(&world, "alice"), "active", "a hiccup");
    for day in 1..=61 {
        world.pass(DAY);
        let before = word(&world, "alice");
        messages(&mut world, "alice", 1);
        let (was, expected) = match day {
            1 => ("active", "failing"),
            2..=60 => ("failing", "failing"),
            _ => ("failing", "ended"),
        };
        assert_eq!(
            (before, word(&world, "alice")),
            (was, expected),
            "day {day}"
        );
    }
    let reasons: Vec<_> = world
        .reports()
        .into_iter()
        .filter_map(|report| match report {
            Report::Ended { reason, .. } => Some(reason),
            _ => None,
        })
        .collect();
    assert_eq!(reasons, [EndReason::Unreachable]);
}
