//! A push service ends a registration by itself: it tells the user, and the server's adapter sees it (XEP-0357 §8).

use push_core::report::{EndReason, Report};
use push_tests::world::{SERVICE, World};
use std::time::Duration;

/// Alice with two devices.
fn alice() -> World {
    let mut world = World::attached();
    for device in ["phone", "tablet"] {
        world.enable("alice", device, device);
    }
    world.reports();
    world
}

/// Who `from` says has no affiliation with a node any more.
fn message(from: &str, node: &str, user: &str) -> String {
    format!(
        "<message xmlns='jabber:client' from='{from}' to='alice@example.org'>\
         <pubsub xmlns='http://jabber.org/protocol/pubsub' node='{node}'>\
         <affiliation jid='{user}@example.org' affiliation='none'/></pubsub></message>"
    )
}

fn revoked(world: &mut World, from: &str, node: &str, user: &str) {
    let message = message(from, node, user);
    world.missed_message("revoked", "alice", None, &message);
    world.settle();
}

/// The nodes that are told of a message that alice misses.
fn told(world: &mut World) -> Vec<String> {
    world.missed("offline", "alice", None, "hello");
    world.settle();
    let told = world.service().take();
    let mut nodes: Vec<String> = told.into_iter().map(|one| one.node).collect();
    nodes.sort();
    nodes
}

#[test]
fn a_push_service_ends_one_registration() {
    let mut world = alice();
    revoked(&mut world, SERVICE, "phone", "alice");
    let reports = world.reports();
    let ended = |report: &&Report| {
        matches!(
            report,
            Report::Ended {
                reason: EndReason::Revoked,
                ..
            }
        )
    };
    assert_eq!(reports.iter().filter(ended).count(), 1);
    assert_eq!(world.adapter().kept(), 0, "acknowledged");
    assert_eq!(told(&mut world), ["tablet"]);
}

#[test]
fn nobody_else_ends_any() {
    for (from, node, user) in [
        ("push.example.com", "phone", "alice"),
        ("mallory@push.example.net", "phone", "alice"),
        (SERVICE, "Phone", "alice"),
        (SERVICE, "phone", "bob"),
    ] {
        let mut world = alice();
        revoked(&mut world, from, node, user);
        assert_eq!(world.adapter().kept(), 0, "acknowledged");
        assert_eq!(
            told(&mut world),
            ["phone", "tablet"],
            "{from} {node} {user}"
        );
    }
}

#[test]
fn what_was_enabled_since_stays() {
    let mut world = alice();
    let before = world.now();
    world.pass(Duration::from_secs(60));
    world.enable("alice", "phone", "phone");
    for node in ["phone", "tablet"] {
        let message = message(SERVICE, node, "alice");
        world
            .adapter()
            .missed(before, "revoked", "alice", None, &message, &[]);
        world.collect();
    }
    world.settle();
    assert_eq!(told(&mut world), ["phone"]);
}

/// Two are told as two, however long they wait at the adapter.
#[test]
fn a_service_that_was_away_is_told_of_each() {
    let mut world = alice();
    world.cut();
    for node in ["phone", "tablet"] {
        revoked(&mut world, SERVICE, node, "alice");
    }
    assert_eq!(world.bench.store.len(), 2);
    world.connect();
    world.settle();
    assert_eq!(world.bench.store.len(), 0);
}
