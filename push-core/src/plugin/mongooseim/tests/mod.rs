mod enhanced;
mod hints;

use super::*;
use crate::Timestamp;
use crate::xml::Namespace;
use crate::xml::sample::{Sample, element};
use jid::BareJid;

fn said(message: &Sample) -> Option<Summary> {
    let stanza = message.stanza();
    let owner = BareJid::new("alice@example.org").unwrap();
    let missed = Missed {
        message: Message::read(stanza.root()),
        ..Missed::new(&owner, Cause::Offline, Timestamp::default())
    };
    let worth_it = MongooseImPlugin::Defaults
        .should_publish(&missed)
        .is_publish();
    worth_it.then(|| {
        MongooseImPlugin::Defaults
            .prepare_notification(&missed)
            .content
    })
}

fn message(kind: &str) -> Sample {
    element("message", Namespace::Client)
        .with("type", kind)
        .with("from", "Room@muc.example.org/Bob")
        .child(element("body", Namespace::Client).text("hi"))
}

#[test]
fn chat_and_groupchat_with_a_body_and_nothing_else() {
    assert_eq!(
        said(&message("chat"))
            .unwrap()
            .last_message_sender
            .as_deref(),
        Some("room@muc.example.org")
    );
    assert_eq!(
        said(&message("groupchat"))
            .unwrap()
            .last_message_sender
            .as_deref(),
        Some("room@muc.example.org/bob")
    );
    for kind in ["normal", "headline", "error", ""] {
        assert_eq!(said(&message(kind)), None, "{kind}");
    }
    assert_eq!(
        said(&element("message", Namespace::Client).with("type", "chat")),
        None
    );
}

#[test]
fn only_users_without_a_session_that_counts_as_online() {
    let session = |priority, hibernated| Session {
        resource: "r".to_owned(),
        priority,
        hibernated,
        client_state: None,
        enabled: false,
    };
    for (sessions, online) in [
        (vec![], false),
        (vec![session(Some(-1), false)], false),
        (vec![session(None, false)], false),
        (vec![session(Some(0), false)], true),
        (vec![session(Some(0), true)], true),
    ] {
        assert_eq!(sessions.iter().any(is_online), online, "{sessions:?}");
    }
}
