//! Who has push, as the adapter is told; accounts that come and go.

use push_tests::world::{Mood, SERVICE, World};
use std::time::Duration;

fn disable() -> String {
    format!("<disable xmlns='urn:xmpp:push:0' jid='{SERVICE}'/>")
}

#[test]
fn users_without_registration_cost_one_event() {
    let mut world = World::attached();
    for body in ["1", "2", "3"] {
        world.missed("offline", "alice", None, body);
        world.settle();
    }
    assert!(world.adapter().believes_none("alice"));
    assert_eq!(world.bench.store.asked, 1);
    assert!(world.service().received.is_empty());
}

#[test]
fn enabling_is_known_before_it_is_answered() {
    let mut world = World::attached();
    world.missed("offline", "alice", None, "1");
    world.settle();
    world.enable("alice", "phone", "phone");
    assert!(!world.adapter().believes_none("alice"));
    let last = world.log.last().unwrap().1.clone();
    let (some, answer) = (last.find("<some>alice</some>"), last.find("<answer"));
    assert!(some.unwrap() < answer.unwrap(), "{last}");
    world.missed("offline", "alice", None, "2");
    world.settle();
    assert_eq!(world.service().nodes(), ["phone"]);
}

#[test]
fn disabling_the_last_is_found_out_by_the_next_message() {
    let mut world = World::attached();
    world.enable("alice", "phone", "phone");
    assert_eq!(world.request("alice", "phone", &disable()), "result");
    assert!(!world.adapter().believes_none("alice"));
    world.missed("offline", "alice", None, "1");
    world.settle();
    assert!(world.adapter().believes_none("alice"));
    assert!(world.service().received.is_empty());
}

#[test]
fn a_none_that_crosses_an_enable_does_not_win() {
    let mut world = World::attached();
    world.store(Mood::Slow(Duration::from_millis(500)));
    world.missed("offline", "alice", None, "1");
    world.pass(Duration::from_millis(300));
    let payload = format!("<enable xmlns='urn:xmpp:push:0' jid='{SERVICE}' node='phone'/>");
    world.ask("alice", "phone", &payload);
    world.settle();
    assert!(!world.adapter().believes_none("alice"));
    world.missed("offline", "alice", None, "2");
    world.settle();
    assert_eq!(world.service().nodes(), ["phone"]);
}

#[test]
fn an_enable_that_is_stored_while_the_link_is_down_is_known_after_it() {
    let mut world = World::attached();
    // Nothing is asked any more: the adapter believes that alice has none.
    world.missed("offline", "alice", None, "1");
    world.settle();
    assert!(world.adapter().believes_none("alice"));
    world.store(Mood::Slow(Duration::from_secs(5)));
    world.bench.hear(
        "<iq type='set' from='example.org' to='push.example.org' id='o'><delegation xmlns='urn:xmpp:delegation:2'>\
         <forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='set' from='alice@example.org/phone' id='i'>\
         <enable xmlns='urn:xmpp:push:0' jid='push.example.net' node='phone'/></iq></forwarded></delegation></iq>",
    );
    world.cut();
    world.pass(Duration::from_secs(20));
    world.connect();
    world.settle();
    world.missed("offline", "alice", None, "2");
    world.pass(Duration::from_secs(20));
    assert_eq!(world.service().nodes(), ["phone"]);
}

#[test]
fn a_restart_of_the_service_forgets_who_has_none() {
    let mut world = World::attached();
    world.missed("offline", "alice", None, "1");
    world.settle();
    assert!(world.adapter().believes_none("alice"));
    world.restart_service(push_tests::world::settings(), 9);
    world.connect();
    world.settle();
    assert!(!world.adapter().believes_none("alice"));
}

#[test]
fn a_statement_that_was_lost_makes_the_adapter_forget() {
    let mut world = World::attached();
    world.missed("offline", "bob", None, "1");
    world.settle();
    world.missed("offline", "alice", None, "1");
    // The event arrives; what is said about alice does not.
    world.pass(Duration::from_millis(3));
    world.cut();
    world.connect();
    world.settle();
    assert!(!world.adapter().believes_none("bob"));
    world.missed("offline", "alice", None, "2");
    world.settle();
    assert!(world.adapter().believes_none("alice"));
}

#[test]
fn an_account_that_is_removed_takes_its_registrations_along() {
    for kind in ["removed", "created"] {
        let mut world = World::attached();
        world.enable("alice", "phone", "phone");
        world.enable("bob", "phone", "bobs");
        let now = world.now();
        world.adapter().account(now, kind, "alice");
        world.missed("offline", "alice", None, "m");
        world.settle();
        assert!(world.service().received.is_empty(), "{kind}");
        assert_eq!(world.bench.store.len(), 1, "bob keeps his");
        assert_eq!(world.adapter().kept(), 0);
    }
}

#[test]
fn a_removal_waits_for_the_store_and_is_acknowledged_when_it_is_done() {
    let mut world = World::attached();
    world.enable("alice", "phone", "phone");
    world.store(Mood::Unavailable);
    let now = world.now();
    world.adapter().account(now, "removed", "alice");
    world.settle();
    assert_eq!(world.adapter().kept(), 1);
    assert!(!world.bench.store.is_empty());
    world.store(Mood::Works);
    world.pass(Duration::from_secs(60));
    assert_eq!(world.adapter().kept(), 0);
    assert!(world.bench.store.is_empty());
}

#[test]
fn what_waits_for_a_removed_account_is_not_published() {
    let mut world = World::attached();
    world.enable("alice", "phone", "phone");
    world.restart_service(push_tests::world::settings(), 9);
    world.connect();
    world.settle();
    world.store(Mood::Unavailable);
    world.missed("offline", "alice", None, "m");
    world.settle();
    let now = world.now();
    world.adapter().account(now, "removed", "alice");
    world.store(Mood::Works);
    world.pass(Duration::from_secs(60));
    assert!(world.service().received.is_empty());
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn somebody_else_s_change_in_the_store_is_seen_after_it_is_told() {
    let mut world = World::attached();
    world.missed("offline", "alice", None, "1");
    world.settle();
    let owner = push_core::BareJid::new("alice@example.org").unwrap();
    let registration = push_tests::store::registration(SERVICE, "phone", 1);
    world.bench.store.commit(push_core::store::Change::Enable {
        owner: owner.clone(),
        registration,
    });
    world.bench.tell(push_core::Event::Invalidate(owner));
    world.settle();
    world.missed("offline", "alice", None, "2");
    world.settle();
    assert_eq!(world.service().nodes(), ["phone"]);
}
