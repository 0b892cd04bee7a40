use super::*;
use crate::xml::sample::{Sample, element};

fn link(name: &'static str) -> Sample {
    element(name, Namespace::Link)
}

fn event(kind: &str) -> Sample {
    link("event")
        .with("n", "7")
        .with("kind", kind)
        .with("user", "alice")
}

#[test]
fn an_event_tells_where_the_user_is() {
    let session = |resource: &str| link("s").with("r", resource);
    let stanza = event("queued")
        .with("resource", "phone")
        .with("count", "3")
        .with("first", "5")
        .child(session("phone").with("p", "-1").with("h", "1"))
        .child(session("laptop").with("p", "5").with("c", "active"))
        .child(session("silent").with("p", "300").with("c", "shiny"))
        .child(link("s"))
        .child(element("message", Namespace::Client))
        .stanza();
    let Some(FromAdapter::Event(event)) = read(stanza.root()) else {
        unreachable!()
    };
    assert_eq!((event.number, event.user), (7, "alice"));
    let LinkEventKind::Missed(missed) = event.kind else {
        unreachable!()
    };
    let told = (missed.cause, missed.resource, missed.count);
    assert_eq!(told, (Cause::Queued, Some("phone"), 3));
    assert_eq!(missed.first, Some(Timestamp::from_millis(5)));
    assert!(missed.message.is_some());
    let sessions = missed.sessions;
    let shown: Vec<_> = sessions
        .iter()
        .map(|session| (session.priority, session.hibernated, session.client_state))
        .collect();
    assert_eq!(
        shown,
        [
            (Some(-1), true, None),
            (Some(5), false, Some(ClientState::Active)),
            (None, false, None)
        ]
    );
}

#[test]
fn only_so_many_sessions_are_read() {
    let many = (0..99).fold(event("offline"), |event, _| {
        event.child(link("s").with("r", "x"))
    });
    let stanza = many.stanza();
    let Some(FromAdapter::Event(LinkEvent {
        kind: LinkEventKind::Missed(missed),
        ..
    })) = read(stanza.root())
    else {
        unreachable!()
    };
    assert_eq!(missed.sessions.len(), MAX_SESSIONS);
}

#[test]
fn a_revocation_is_as_old_as_the_last_that_was_joined() {
    let pubsub = |name| element(name, Namespace::Pubsub);
    let affiliation = pubsub("affiliation")
        .with("jid", "alice@example.org")
        .with("affiliation", "none");
    let message = element("message", Namespace::Client)
        .with("from", "push.example.net")
        .child(pubsub("pubsub").with("node", "n").child(affiliation));
    let told = event("revoked").with("first", "5");
    let at = |sample: Sample| match read(sample.stanza().root()) {
        Some(FromAdapter::Event(LinkEvent {
            kind: LinkEventKind::Revoked(_, at),
            ..
        })) => at.map(Timestamp::as_millis),
        _ => None,
    };
    assert_eq!(at(told.clone().child(message.clone())), Some(5));
    assert_eq!(at(told.clone().with("last", "7").child(message)), Some(7));
    assert_eq!(at(told), None, "a bound has taken its message");
}

#[test]
fn kinds_of_later_versions_have_a_number_all_the_same() {
    let stanza = event("shiny").stanza();
    let Some(FromAdapter::Event(event)) = read(stanza.root()) else {
        unreachable!()
    };
    assert!(matches!(event.kind, LinkEventKind::Unknown));
}

#[test]
fn what_is_broken_or_of_others_is_nothing() {
    for sample in [
        element("knock", Namespace::Other),
        link("shiny"),
        link("event").with("n", "7").with("kind", "offline"),
        link("event")
            .with("n", "-7")
            .with("kind", "offline")
            .with("user", "alice"),
        link("event")
            .with("n", "+7")
            .with("kind", "offline")
            .with("user", "alice"),
        link("request").with("user", "alice"),
        link("outcome").with("ref", "1"),
        link("outcome").with("ref", "1").with("type", "shiny"),
        link("hello").with("session", "s").with("epoch", "e"),
        link("withdraw").text("1"),
    ] {
        assert!(read(sample.stanza().root()).is_none());
    }
}

#[test]
fn an_outcome_says_whose_error_it_is() {
    let read_outcome = |origin: Option<&str>| {
        let error = link("outcome").with("ref", "1").with("type", "error");
        let error = error.with("condition", "forbidden");
        let error = origin.map_or(error.clone(), |origin| error.with("origin", origin));
        let stanza = error.stanza();
        match read(stanza.root()) {
            Some(FromAdapter::Outcome { outcome, .. }) => outcome,
            _ => unreachable!(),
        }
    };
    // The type that is missing is the condition's usual one.
    let error = StanzaError::new(ErrorType::Auth, DefinedCondition::Forbidden);
    assert_eq!(read_outcome(None), DeliveryOutcome::Refused(error.clone()));
    assert_eq!(
        read_outcome(Some("server")),
        DeliveryOutcome::Undeliverable(error.clone())
    );
    assert_eq!(
        read_outcome(Some("link")),
        DeliveryOutcome::NotSent(error.clone())
    );
    assert_eq!(read_outcome(Some("shiny")), DeliveryOutcome::NotSent(error));
}

#[test]
fn of_more_keys_than_are_kept_the_newest_are_read() {
    let keys = |words: &str| -> Vec<String> {
        let stanza = event("offline").with("keys", words).stanza();
        let Some(FromAdapter::Event(LinkEvent {
            kind: LinkEventKind::Missed(missed),
            ..
        })) = read(stanza.root())
        else {
            unreachable!()
        };
        missed.keys.into_iter().map(str::to_owned).collect()
    };
    assert_eq!(keys("a  b"), ["a", "b"]);
    assert!(keys("").is_empty());
    let many: Vec<String> = (1..=30).map(|n| n.to_string()).collect();
    assert_eq!(keys(&many.join(" ")), many[10..]);
}
