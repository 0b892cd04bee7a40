//! Commits that were given up and happen all the same.

use push_core::Policy;
use push_tests::world::{Mood, SERVICE, World};
use std::time::Duration;

/// Longer than a question may take.
const LATE: Duration = Duration::from_secs(15);
/// By then it is known that what was given up is over.
const OVER: Duration = Duration::from_secs(60);

fn enable(node: &str, secret: &str) -> String {
    format!(
        "<enable xmlns='urn:xmpp:push:0' jid='{SERVICE}' node='{node}'><x xmlns='jabber:x:data' type='submit'>\
         <field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>\
         <field var='secret'><value>{secret}</value></field></x></enable>"
    )
}

fn disable(node: Option<&str>) -> String {
    let node = node.map_or_else(String::new, |node| format!(" node='{node}'"));
    format!("<disable xmlns='urn:xmpp:push:0' jid='{SERVICE}'{node}/>")
}

/// alice's account is in the Machine's memory, so that a request is one commit.
fn warm() -> World {
    let mut world = World::attached();
    world.enable("alice", "phone", "other");
    world
}

/// A request whose commit happens [`LATE`]: the client was told to try again.
fn given_up(world: &mut World, payload: &str) {
    world.store(Mood::Slow(LATE));
    let number = world.ask("alice", "phone", payload);
    world.pass(Policy::default().store_timeout + Duration::from_secs(1));
    let told = world.adapter().told(number).unwrap();
    assert_eq!(told.what, "wait/service-unavailable");
    world.store(Mood::Works);
}

/// (node, secret) of what alice has.
fn kept(world: &World) -> Vec<(String, String)> {
    let have = world.bench.store.registrations("alice@example.org");
    let secret = |have: &push_core::Registration| {
        let mut fields = have.options.fields();
        fields.next().map(|(_, value)| value.to_owned())
    };
    have.iter()
        .filter(|have| have.target.node.as_str() != "other")
        .map(|have| {
            (
                have.target.node.as_str().to_owned(),
                secret(have).unwrap_or_default(),
            )
        })
        .collect()
}

fn pair(node: &str, secret: &str) -> (String, String) {
    (node.to_owned(), secret.to_owned())
}

#[test]
fn a_late_enable_does_not_replace_a_later_one() {
    let mut world = warm();
    given_up(&mut world, &enable("n", "early"));
    let again = enable("n", "again");
    assert_eq!(world.request("alice", "phone", &again), "result");
    world.pass(OVER);
    assert_eq!(kept(&world), [pair("n", "again")]);
}

#[test]
fn a_late_disable_removes_nothing_that_was_enabled_since() {
    for scope in [Some("n"), None] {
        let mut world = warm();
        world.request("alice", "phone", &enable("n", "before"));
        given_up(&mut world, &disable(scope));
        let again = enable("n", "again");
        assert_eq!(world.request("alice", "phone", &again), "result");
        world.pass(OVER);
        assert_eq!(kept(&world), [pair("n", "again")], "{scope:?}");
    }
}

#[test]
fn a_late_enable_does_not_outlive_a_disable() {
    for scope in [Some("n"), None] {
        let mut world = warm();
        given_up(&mut world, &enable("n", "early"));
        assert_eq!(world.request("alice", "phone", &disable(scope)), "result");
        assert_eq!(kept(&world), []);
        // It comes back, and goes again.
        world.pass(Duration::from_secs(5));
        assert_eq!(kept(&world), [pair("n", "early")]);
        world.pass(OVER);
        assert_eq!(kept(&world), []);
        world.missed("offline", "alice", None, "1");
        world.settle();
        assert!(!world.service().nodes().contains(&"n"));
    }
}

#[test]
fn what_is_removed_once_more_waits_for_a_store_that_is_away() {
    let mut world = warm();
    given_up(&mut world, &enable("n", "early"));
    world.request("alice", "phone", &disable(Some("n")));
    world.pass(Duration::from_secs(6));
    world.store(Mood::Unavailable);
    world.pass(OVER);
    assert_eq!(kept(&world), [pair("n", "early")]);
    world.store(Mood::Works);
    world.pass(OVER);
    assert_eq!(kept(&world), []);
}

#[test]
fn an_enable_after_the_disable_stays() {
    let mut world = warm();
    given_up(&mut world, &enable("n", "early"));
    world.request("alice", "phone", &disable(Some("n")));
    world.request("alice", "phone", &enable("n", "again"));
    world.pass(OVER);
    assert_eq!(kept(&world), [pair("n", "again")]);
}

#[test]
fn an_account_that_was_removed_stays_so() {
    let mut world = warm();
    given_up(&mut world, &enable("n", "early"));
    world.missed("removed", "alice", None, "");
    world.pass(Duration::from_secs(5));
    assert_eq!(world.adapter().kept(), 0);
    world.pass(OVER);
    assert!(world.bench.store.is_empty());
}
