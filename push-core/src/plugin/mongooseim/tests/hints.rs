use super::super::*;
use crate::Timestamp;
use crate::session::Cause;
use crate::xml::Namespace;
use crate::xml::sample::{Sample, element};
use jid::BareJid;

fn said(message: &Sample) -> Result<Summary, String> {
    let stanza = message.stanza();
    let owner = BareJid::new("alice@example.org").unwrap();
    let missed = Missed {
        message: Message::read(stanza.root()),
        ..Missed::new(&owner, Cause::Offline, Timestamp::default())
    };
    let verdict = MongooseImPlugin::Hints.should_publish(&missed);
    let content = MongooseImPlugin::Hints
        .prepare_notification(&missed)
        .content;
    let reason = verdict.reason().as_str().to_owned();
    verdict.is_publish().then_some(content).ok_or(reason)
}

fn chat() -> Sample {
    element("message", Namespace::Client)
        .with("type", "chat")
        .with("from", "Bob@example.com/x")
}

fn propose() -> Sample {
    element("propose", Namespace::JingleMessage).with("id", "s1")
}

fn hint(name: &'static str) -> Sample {
    element(name, Namespace::Hints)
}

#[test]
fn a_call_that_is_to_be_stored_is_told_in_fields_of_its_own() {
    let call = said(&chat().child(propose()).child(hint("store"))).unwrap();
    let expected = [
        ("message-sender", "bob@example.com"),
        ("jingle-message", "propose"),
        ("jingle-session-id", "s1"),
    ];
    let expected = expected.map(|(name, value)| (name, value.to_owned()));
    assert_eq!(call.fields, expected);
    assert_eq!(call.message_count, None);
    let without_id = element("propose", Namespace::JingleMessage);
    assert!(said(&chat().child(propose())).is_err(), "no hint");
    assert!(said(&chat().child(without_id).child(hint("store"))).is_err());
}

#[test]
fn a_message_is_told_as_ever_unless_it_is_not_to_be_stored() {
    let body = || element("body", Namespace::Client).text("hi");
    let told = said(&chat().child(body()).child(propose()).child(hint("store"))).unwrap();
    assert_eq!(told.last_message_body.as_deref(), Some("hi"));
    let kept = said(&chat().child(body()).child(hint("no-store")));
    assert_eq!(kept, Err("not to be stored".to_owned()));
}
