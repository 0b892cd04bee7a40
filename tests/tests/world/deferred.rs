//! Single messages that wait for a push service.

#[path = "deferred/cut.rs"]
mod cut;

use push_core::report::{DeferredEnd, Report};
use push_tests::world::telling;
use push_tests::world::{Manner, Seat, World, settings};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Alice, whose push service does so while it is away.
fn alice(manner: Manner) -> World {
    let mut world = World::attached_with(telling(settings()));
    world.enable("alice", "phone", "phone");
    world.service().manner = manner;
    world.reports();
    world
}

fn told(world: &mut World) -> Vec<(u64, String)> {
    let told = std::mem::take(&mut world.service().accepted).into_iter();
    told.map(|one| (one.count, one.body.unwrap_or_default()))
        .collect()
}

#[test]
fn a_push_service_that_was_away_for_a_minute_is_told_once_of_all() {
    for manner in [
        Manner::Unreachable,
        Manner::Silent,
        Manner::Refuses("wait", "resource-constraint"),
    ] {
        let mut world = alice(manner);
        for body in ["1", "2", "3"] {
            world.missed("offline", "alice", None, body);
            world.pass(Duration::from_secs(20));
        }
        // The last one may be on its way.
        let kept = world.adapter().kept();
        assert!((1..=2).contains(&kept), "{manner:?}: {kept} are not joined");
        assert!(told(&mut world).is_empty());
        world.service().manner = Manner::Accepts;
        world.pass(5 * MINUTE);
        assert_eq!(told(&mut world), [(3, "3".to_owned())], "{manner:?}");
        assert_eq!(world.adapter().kept(), 0);
    }
}

#[test]
fn two_devices_at_two_push_services_wait_for_their_own() {
    let mut world = alice(Manner::Unreachable);
    let enable = "<enable xmlns='urn:xmpp:push:0' jid='other.example.net' node='tablet'/>";
    assert_eq!(world.request("alice", "tablet", enable), "result");
    world.missed("offline", "alice", None, "1");
    world.settle();
    assert_eq!(world.service_at("other.example.net").accepted.len(), 1);
    world.service().manner = Manner::Accepts;
    world.pass(5 * MINUTE);
    assert_eq!(told(&mut world), [(1, "1".to_owned())]);
    assert_eq!(
        world.service_at("other.example.net").accepted.len(),
        1,
        "told again"
    );
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn a_device_that_is_back_is_not_woken_and_another_still_is() {
    let mut world = alice(Manner::Unreachable);
    world.enable("alice", "tablet", "tablet");
    world.missed("offline", "alice", None, "1");
    world.settle();
    world.adapter().arrive("alice", Seat::live("phone", 0));
    world.collect();
    world.service().manner = Manner::Accepts;
    world.pass(5 * MINUTE);
    let nodes: Vec<_> = std::mem::take(&mut world.service().accepted);
    let nodes: Vec<_> = nodes.iter().map(|one| one.node.as_str()).collect();
    assert_eq!(nodes, ["tablet"]);
    world.adapter().leave("alice", "phone");
    world.missed("offline", "alice", None, "2");
    world.settle();
    assert_eq!(told(&mut world).len(), 2, "what comes later is told");
}

#[test]
fn a_device_that_was_back_before_its_event_was_deferred_is_not_woken_and_another_still_is() {
    for others in [&[][..], &["tablet"]] {
        let mut world = alice(Manner::Unreachable);
        others
            .iter()
            .for_each(|other| world.enable("alice", other, other));
        world.adapter().arrive("alice", Seat::live("laptop", 0));
        world.missed("archived", "alice", None, "1");
        world.until_said("<defer ");
        world.adapter().arrive("alice", Seat::live("phone", 0));
        world.adapter().leave("alice", "phone");
        world.settle();
        assert_eq!(world.adapter().kept(), others.len());
        world.service().manner = Manner::Accepts;
        world.pass(5 * MINUTE);
        let accepted = std::mem::take(&mut world.service().accepted);
        let nodes: Vec<_> = accepted.iter().map(|one| one.node.as_str()).collect();
        assert_eq!(nodes, others);
        world.adapter().leave("alice", "laptop");
        world.missed("offline", "alice", None, "2");
        world.settle();
        let counts: Vec<u64> = told(&mut world).iter().map(|(count, _)| *count).collect();
        assert_eq!(
            counts,
            vec![1; 1 + others.len()],
            "what comes later is told"
        );
    }
}

#[test]
fn who_was_back_between_two_messages_is_told_of_the_second_alone() {
    let mut world = alice(Manner::Silent);
    world.adapter().arrive("alice", Seat::live("laptop", 0));
    world.missed("archived", "alice", None, "1");
    world.settle();
    world.adapter().arrive("alice", Seat::live("phone", 0));
    world.adapter().leave("alice", "phone");
    world.missed("archived", "alice", None, "2");
    world.until_said("<defer ");
    world.settle();
    assert_eq!(
        world.adapter().deferred(),
        1,
        "while the first is in flight"
    );
    world.until_said(" into=");
    world.settle();
    assert_eq!(world.adapter().kept(), 1, "the first has ended");
    world.service().manner = Manner::Accepts;
    world.pass(5 * MINUTE);
    assert_eq!(told(&mut world), [(1, "2".to_owned())]);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn a_session_that_is_resumed_is_back_also_one_that_is_not_available() {
    let silent = Seat {
        hibernated: true,
        ..Seat::silent("phone")
    };
    for seat in [Seat::hibernated("phone"), silent] {
        let mut world = alice(Manner::Unreachable);
        world.adapter().arrive("alice", seat);
        world.missed("queued", "alice", Some("phone"), "1");
        world.settle();
        assert_eq!(world.adapter().deferred(), 1);
        world.adapter().resumed("alice", "phone");
        world.collect();
        assert_eq!(world.adapter().kept(), 0);
        world.service().manner = Manner::Accepts;
        world.pass(5 * MINUTE);
        assert!(told(&mut world).is_empty());
    }
}

#[test]
fn a_message_that_looks_like_one_that_was_withdrawn_is_told() {
    let mut world = alice(Manner::Unreachable);
    world.missed("offline", "alice", None, "1");
    world.settle();
    world.adapter().arrive("alice", Seat::live("phone", 0));
    world.collect();
    world.settle();
    assert_eq!(world.adapter().kept(), 0);
    world.adapter().leave("alice", "phone");
    world.service().manner = Manner::Accepts;
    world.missed("offline", "alice", None, "1");
    world.settle();
    assert_eq!(told(&mut world), [(1, "1".to_owned())]);
}

#[test]
fn what_is_told_by_two_causes_counts_once_while_it_waits() {
    let mut world = alice(Manner::Unreachable);
    world.adapter().arrive("alice", Seat::hibernated("phone"));
    world.missed("queued", "alice", Some("phone"), "1");
    world.missed("archived", "alice", None, "1");
    world.pass(MINUTE);
    world.service().manner = Manner::Accepts;
    world.pass(5 * MINUTE);
    assert_eq!(told(&mut world), [(1, "1".to_owned())]);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn a_registration_that_is_disabled_or_gone_takes_what_waits_along() {
    for end in ["disable", "removed"] {
        let mut world = alice(Manner::Unreachable);
        world.missed("offline", "alice", None, "1");
        world.settle();
        if end == "disable" {
            let disable = "<disable xmlns='urn:xmpp:push:0' jid='push.example.net'/>";
            assert_eq!(world.request("alice", "phone", disable), "result");
        } else {
            let now = world.now();
            world.adapter().account(now, "removed", "alice");
            world.collect();
        }
        world.settle();
        assert_eq!(world.adapter().kept(), 0, "{end}");
        world.service().manner = Manner::Accepts;
        world.pass(5 * MINUTE);
        assert!(told(&mut world).is_empty(), "{end}");
    }
}

#[test]
fn a_message_is_worth_a_notification_for_so_many_days() {
    let mut world = alice(Manner::Unreachable);
    world.missed("offline", "alice", None, "1");
    world.pass(6 * DAY + 23 * HOUR);
    assert_eq!(world.adapter().kept(), 1);
    world.reports();
    world.pass(HOUR + MINUTE);
    assert_eq!(world.adapter().kept(), 0);
    let is_end = |report: &Report| {
        matches!(
            report,
            Report::DeferredEnded {
                end: DeferredEnd::Expired,
                ..
            }
        )
    };
    assert!(world.reports().iter().any(is_end));
}

#[test]
fn what_is_deferred_asks_and_writes_nothing_at_the_store() {
    let mut world = alice(Manner::Unreachable);
    world.missed("offline", "alice", None, "1");
    world.settle();
    let asked = world.bench.store.asked;
    for body in ["2", "3"] {
        world.missed("offline", "alice", None, body);
        world.pass(10 * MINUTE);
    }
    world.service().manner = Manner::Accepts;
    world.pass(HOUR);
    assert_eq!(told(&mut world), [(3, "3".to_owned())]);
    assert_eq!(world.bench.store.asked, asked);
}

#[test]
fn two_phones_of_one_user_at_one_push_service_are_told_once_each() {
    let mut world = alice(Manner::Silent);
    world.enable("alice", "tablet", "tablet");
    for body in ["1", "2"] {
        world.missed("offline", "alice", None, body);
        world.pass(MINUTE);
    }
    world.service().manner = Manner::Accepts;
    world.pass(2 * HOUR);
    let accepted = std::mem::take(&mut world.service().accepted);
    for node in ["phone", "tablet"] {
        let told = accepted.iter().filter(|one| one.node == node);
        let told: Vec<u64> = told.map(|one| one.count).collect();
        assert_eq!(told, [2], "{node}");
    }
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn what_waits_while_the_adapter_has_no_room_is_told_when_it_has() {
    let mut world = alice(Manner::Slow(Duration::from_secs(30)));
    for user in ["bob", "carol", "dave", "eve"] {
        world.enable(user, "phone", user);
    }
    world.adapter().max_in_flight = 1;
    for user in ["alice", "bob", "carol", "dave", "eve"] {
        world.missed("offline", user, None, "1");
    }
    world.pass(20 * MINUTE);
    let mut nodes: Vec<_> = told(&mut world);
    nodes.sort();
    assert_eq!(nodes, vec![(1, "1".to_owned()); 5]);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn one_acceptance_lets_all_be_told_that_have_waited_for_hours() {
    let mut world = alice(Manner::Unreachable);
    for number in 0..6 {
        let user = format!("u{number}");
        world.enable(&user, "phone", &user);
    }
    for number in 0..5 {
        world.missed("offline", &format!("u{number}"), None, "1");
        world.pass(MINUTE);
    }
    world.pass(5 * HOUR);
    world.service().manner = Manner::Accepts;
    world.missed("offline", "u5", None, "1");
    world.pass(Duration::from_secs(10));
    assert_eq!(told(&mut world).len(), 6);
}

#[test]
fn one_acceptance_lets_all_be_told_whom_a_silent_push_service_did_not_answer() {
    let mut world = alice(Manner::Silent);
    for number in 0..10 {
        let user = format!("u{number}");
        world.enable(&user, "phone", &user);
    }
    for number in 0..10 {
        world.missed("offline", &format!("u{number}"), None, "1");
    }
    world.pass(Duration::from_secs(39));
    world.service().manner = Manner::Accepts;
    world.pass(Duration::from_secs(6));
    assert_eq!(told(&mut world).len(), 10);
}

#[test]
fn what_waited_behind_a_notification_that_was_held_follows_it_at_once() {
    let mut world = alice(Manner::Slow(Duration::from_secs(20)));
    world.missed("offline", "alice", None, "1");
    world.pass(Duration::from_secs(5));
    for body in ["2", "3"] {
        world.missed("offline", "alice", None, body);
    }
    world.pass(Duration::from_secs(10));
    assert_eq!(world.adapter().outstanding(), 1, "the others are deferred");
    world.pass(Duration::from_secs(6));
    let counts: Vec<u64> = told(&mut world).iter().map(|(count, _)| *count).collect();
    assert_eq!(counts, [1, 2]);
}

#[test]
fn attempts_become_rarer() {
    let mut world = alice(Manner::Unreachable);
    world.missed("offline", "alice", None, "1");
    world.pass(DAY);
    let attempts = world.service().received.len();
    assert!((20..40).contains(&attempts), "{attempts} in a day");
}

#[test]
fn one_push_service_gets_half_of_the_room() {
    let mut world = World::attached_with(telling(settings()));
    world.adapter().max_deferred = 20;
    world.cut();
    world.connect();
    world.settle();
    let other = |user: &str| {
        format!("<enable xmlns='urn:xmpp:push:0' jid='other.example.net' node='{user}'/>")
    };
    for number in 0..12 {
        let user = format!("u{number}");
        world.enable(&user, "phone", &user);
        assert_eq!(world.request(&user, "tablet", &other(&user)), "result");
    }
    world.service().manner = Manner::Unreachable;
    world.reports();
    for number in 0..12 {
        world.missed("offline", &format!("u{number}"), None, "1");
    }
    world.settle();
    assert_eq!(world.adapter().deferred(), 10);
    let dropped = world.reports().into_iter().filter(|report| {
        matches!(
            report,
            Report::DeferredEnded {
                end: DeferredEnd::Dropped,
                ..
            }
        )
    });
    assert_eq!(dropped.count(), 2);
    world.service().manner = Manner::Accepts;
    world.pass(10 * MINUTE);
    assert_eq!(told(&mut world).len(), 10);
}
