//! One message, several causes: one notification per registration.

use push_tests::world::messages::chat;
use push_tests::world::{Manner, Seat, World};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn alice() -> World {
    let mut world = World::attached();
    world.enable("alice", "phone", "phone");
    world
}

/// How often the phone is told when these come, one after the other.
fn told(events: &[(&'static str, &str)]) -> usize {
    let mut world = alice();
    for (kind, message) in events {
        world.missed_message(kind, "alice", Some("phone"), message);
        world.settle();
    }
    assert_eq!(world.adapter().kept(), 0, "not acknowledged");
    world.service().received.len()
}

/// A message with these elements.
fn message(id: &str, rest: &str) -> String {
    format!(
        "<message xmlns='jabber:client' type='chat'{id} from='bob@example.com/x' to='alice@example.org'>\
         <body>hi</body>{rest}</message>"
    )
}

fn archived(id: &str) -> String {
    format!("<stanza-id xmlns='urn:xmpp:sid:0' by='alice@example.org' id='{id}'/>")
}

#[test]
fn all_causes_of_one_message_tell_once() {
    let m = chat("alice", "m");
    for causes in [
        ["archived", "queued", "lost", "offline"],
        ["queued", "archived", "lost", "offline"],
        ["unacked", "lost", "archived", "offline"],
    ] {
        assert_eq!(
            told(&causes.map(|kind| (kind, m.as_str()))),
            1,
            "{causes:?}"
        );
    }
}

#[test]
fn the_archive_id_recognises_it_when_the_sender_gave_none() {
    let first = message("", &archived("a1"));
    let again = message("", &archived("a1")).replace("<body>", "<x xmlns='urn:x'/><body>");
    assert_eq!(told(&[("queued", &first), ("offline", &again)]), 1);
}

#[test]
fn one_id_with_two_archive_ids_is_two_messages() {
    let (first, second) = (
        message(" id='1'", &archived("a1")),
        message(" id='1'", &archived("a2")),
    );
    assert_eq!(told(&[("offline", &first), ("offline", &second)]), 2);
}

#[test]
fn an_archive_id_of_somebody_else_identifies_nothing() {
    let forged = |id: &str| {
        let stanza_id =
            format!("<stanza-id xmlns='urn:xmpp:sid:0' by='bob@example.com' id='{id}'/>");
        message(" id='1'", &stanza_id)
    };
    assert_eq!(
        told(&[("lost", &forged("x")), ("offline", &forged("y"))]),
        1
    );
    let other = forged("x").replace("id='1'", "id='2'");
    assert_eq!(told(&[("offline", &forged("x")), ("offline", &other)]), 2);
}

#[test]
fn without_any_id_the_content_recognises_it() {
    let (hi, ho) = (message("", ""), message("", "").replace("hi", "ho"));
    assert_eq!(
        told(&[("queued", &hi), ("offline", &hi), ("offline", &ho)]),
        2
    );
}

#[test]
fn sender_and_type_tell_equal_ids_apart() {
    let first = message(" id='1'", "");
    let other_sender = first.replace("bob@", "carol@");
    let other_type = first.replace("type='chat'", "type='groupchat'");
    assert_eq!(
        told(&[
            ("offline", &first),
            ("offline", &other_sender),
            ("offline", &other_type)
        ]),
        3
    );
}

#[test]
fn a_carbon_is_the_message_it_copies() {
    let original = message(" id='1'", "");
    let carbon = format!(
        "<message xmlns='jabber:client' type='chat' from='alice@example.org' to='alice@example.org/phone'>\
         <received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>{original}</forwarded></received></message>"
    );
    assert_eq!(told(&[("queued", &carbon), ("archived", &original)]), 1);
    let sent = carbon.replace("received", "sent");
    assert_eq!(told(&[("queued", &sent)]), 0);
    let forged = carbon.replace("from='alice@example.org'", "from='mallory@example.com'");
    assert_eq!(told(&[("queued", &forged)]), 0);
}

#[test]
fn a_mucsub_event_is_the_message_in_it() {
    let inner = "<message xmlns='jabber:client' type='groupchat' from='room@muc.example.org/Bob' id='1'><body>hi</body></message>";
    let event = format!(
        "<message xmlns='jabber:client' from='room@muc.example.org' to='alice@example.org'>\
         <event xmlns='http://jabber.org/protocol/pubsub#event'><items node='urn:xmpp:mucsub:nodes:messages'>\
         <item id='9'>{inner}</item></items></event></message>"
    );
    let mut world = alice();
    world.missed_message("offline", "alice", None, &event);
    world.settle();
    let told = world.service().take();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].sender.as_deref(), Some("room@muc.example.org/bob"));
    assert_eq!(told[0].body.as_deref(), Some("hi"));
    let other_node = event.replace("nodes:messages", "nodes:presence");
    world.missed_message("offline", "alice", None, &other_node);
    world.settle();
    assert!(world.service().take().is_empty());
}

#[test]
fn another_registration_is_told_for_itself() {
    let mut world = alice();
    world.enable("alice", "tablet", "tablet");
    world.adapter().arrive("alice", Seat::hibernated("phone"));
    world.missed("queued", "alice", Some("phone"), "m");
    world.settle();
    world.adapter().leave("alice", "phone");
    world.missed("offline", "alice", None, "m");
    world.settle();
    assert_eq!(world.service().nodes(), ["phone", "tablet"]);
}

#[test]
fn it_is_remembered_for_the_window_and_not_for_ever() {
    let mut world = alice();
    world.missed("queued", "alice", Some("phone"), "m");
    world.pass(DAY * 4);
    world.missed("offline", "alice", None, "m");
    world.settle();
    assert_eq!(world.service().take().len(), 1);
    world.pass(DAY * 9);
    world.missed("offline", "alice", None, "m");
    world.settle();
    assert_eq!(world.service().take().len(), 1);
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut settings = push_tests::world::telling(push_tests::world::settings());
    settings.policy.dedupe_entries = 100;
    let mut world = World::attached_with(settings);
    world.enable("alice", "phone", "phone");
    world.missed("queued", "alice", Some("phone"), "m");
    for n in 0..300 {
        world.missed("offline", "alice", None, &format!("other {n}"));
        world.settle();
    }
    world.service().take();
    world.missed("offline", "alice", None, "m");
    world.settle();
    assert_eq!(world.service().take().len(), 1);
}

#[test]
fn what_has_no_content_left_is_always_told() {
    let mut world = alice();
    for _ in 0..2 {
        world.missed_message("offline", "alice", None, "");
        world.settle();
    }
    assert_eq!(world.service().take().len(), 2);
}

#[test]
fn what_was_withdrawn_before_it_was_sent_was_not_told() {
    let mut settings = push_tests::world::telling(push_tests::world::settings());
    settings.policy.in_flight_per_service = 1;
    let mut world = World::attached_with(settings);
    world.enable("alice", "phone", "phone");
    world.enable("bob", "phone", "other");
    world.service().manner = Manner::Slow(Duration::from_secs(5));
    world.adapter().arrive("alice", Seat::hibernated("phone"));
    // One of bob's takes the only place, so that alice's waits until she is back.
    world.missed("offline", "bob", None, "first");
    world.missed("unacked", "alice", Some("phone"), "m");
    world.settle();
    world.adapter().resumed("alice", "phone");
    world.collect();
    world.pass(Duration::from_secs(10));
    assert_eq!(world.service().nodes(), ["other"]);
    // The phone is lost again, without having acknowledged the message.
    world.adapter().leave("alice", "phone");
    world.missed("offline", "alice", None, "m");
    world.pass(Duration::from_secs(10));
    assert_eq!(world.service().nodes(), ["other", "phone"]);
}
