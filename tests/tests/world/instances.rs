//! Another instance writes to the same store.

use push_core::registration::Revision;
use push_core::store::Change;
use push_core::{BareJid, Registration};
use push_tests::store::{enable, registration, remove, target};
use push_tests::world::telling;
use push_tests::world::{SERVICE, World, settings};
use std::time::Duration;

const ALICE: &str = "alice@example.org";
/// Within which another instance's changes are honoured.
const TTL: Duration = Duration::from_secs(60);

fn shared() -> World {
    let mut settings = telling(settings());
    settings.policy.cache_ttl = Some(TTL);
    World::attached_with(settings)
}

fn theirs(node: &str) -> Registration {
    Registration {
        enabled_at: push_core::Timestamp::from_millis(1),
        ..registration(SERVICE, node, 1)
    }
}

/// A missed message, and the nodes that were told of it.
fn told(world: &mut World, body: &str) -> Vec<String> {
    world.missed("offline", "alice", None, body);
    world.settle();
    assert_eq!(world.adapter().kept(), 0);
    let told = world.service().take();
    told.into_iter().map(|told| told.node).collect()
}

#[test]
fn what_another_enables_for_somebody_who_had_nothing_is_honoured_in_time() {
    let mut world = shared();
    assert!(told(&mut world, "1").is_empty());
    assert!(world.adapter().believes_none("alice"));
    world.bench.store.commit(enable(ALICE, &theirs("n")));
    world.pass(TTL);
    assert_eq!(told(&mut world, "2"), ["n"]);
}

#[test]
fn that_holds_whatever_happens_to_the_link_meanwhile() {
    for cut_for in [1, 29, 31, 59] {
        let mut world = shared();
        assert!(told(&mut world, "1").is_empty());
        world.bench.store.commit(enable(ALICE, &theirs("n")));
        world.cut();
        world.pass(Duration::from_secs(cut_for));
        world.connect();
        world.pass(TTL.saturating_sub(Duration::from_secs(cut_for)));
        assert_eq!(told(&mut world, "2"), ["n"], "cut for {cut_for} s");
    }
}

#[test]
fn that_holds_when_the_time_is_over_just_as_the_adapter_is_greeted() {
    // Whether the greeting, its answer or neither is on its way at that moment.
    for early in 0..12 {
        let mut world = shared();
        let start = world.now();
        assert!(told(&mut world, "1").is_empty());
        world.bench.store.commit(enable(ALICE, &theirs("n")));
        world.cut();
        let until = (TTL / 2).saturating_sub(Duration::from_millis(early));
        world.pass(until.saturating_sub(world.now().since(start)));
        world.connect();
        world.pass(TTL);
        assert_eq!(told(&mut world, "2"), ["n"], "connected {early} ms before");
    }
}

#[test]
fn somebody_who_has_nothing_costs_an_event_now_and_then() {
    let mut world = shared();
    let start = world.now();
    for message in 0..240 {
        told(&mut world, &message.to_string());
        world.pass(Duration::from_secs(1));
    }
    // A question each half of that time, however many messages there are.
    let halves = world.now().since(start).as_secs() / (TTL.as_secs() / 2);
    let asked = world.bench.store.asked as u64;
    assert!(
        (halves - 2..=halves + 1).contains(&asked),
        "{asked} in {halves}"
    );
}

#[test]
fn what_another_removes_or_replaces_is_honoured_in_time() {
    let mut world = shared();
    world.enable("alice", "phone", "ours");
    assert_eq!(told(&mut world, "1"), ["ours"]);
    world
        .bench
        .store
        .commit(remove(ALICE, &target(SERVICE, "ours")));
    world.bench.store.commit(enable(ALICE, &theirs("n")));
    world.pass(TTL);
    assert_eq!(told(&mut world, "2"), ["n"]);
}

#[test]
fn a_request_prevails_over_what_another_wrote_before_whatever_its_clock_says() {
    let mut world = shared();
    world.enable("alice", "phone", "n");
    let ahead = Registration {
        revision: Revision::new(u64::MAX - 1),
        ..theirs("n")
    };
    world.bench.store.commit(enable(ALICE, &ahead));
    world.enable("alice", "phone", "n");
    let have = world.bench.store.registrations(ALICE);
    assert_eq!(have[0].resource.as_deref(), Some("phone"));
    let disable = format!("<disable xmlns='urn:xmpp:push:0' jid='{SERVICE}'/>");
    assert_eq!(world.request("alice", "phone", &disable), "result");
    assert!(world.bench.store.is_empty());
}

#[test]
fn the_end_of_an_account_takes_what_another_wrote() {
    let mut world = shared();
    world.enable("alice", "phone", "n");
    let ahead = Registration {
        revision: Revision::new(u64::MAX - 1),
        ..theirs("m")
    };
    world.bench.store.commit(enable(ALICE, &ahead));
    world.missed("removed", "alice", None, "");
    world.settle();
    assert!(world.bench.store.is_empty());
}

#[test]
fn where_nobody_else_writes_nothing_is_asked_twice() {
    let mut world = World::attached();
    assert!(told(&mut world, "1").is_empty());
    world.pass(100 * TTL);
    assert!(world.adapter().believes_none("alice"));
    world
        .bench
        .tell(push_core::Event::Invalidate(BareJid::new(ALICE).unwrap()));
    world.bench.store.commit(Change::Enable {
        owner: BareJid::new(ALICE).unwrap(),
        registration: theirs("n"),
    });
    world.settle();
    assert_eq!(told(&mut world, "2"), ["n"]);
}
