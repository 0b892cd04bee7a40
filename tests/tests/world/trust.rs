//! Who is believed what.

use push_core::report::Report;
use push_tests::world::messages::chat;
use push_tests::world::telling;
use push_tests::world::{Bench, Manner, World, settings};
use std::time::Duration;

/// Elements an adapter may say.
fn claims() -> [String; 4] {
    let event = format!(
        "<event n='1' kind='offline' user='alice'>{}</event>",
        chat("alice", "m")
    );
    let enable = "<enable xmlns='urn:xmpp:push:0' jid='push.example.com' node='n'/>";
    [
        event,
        format!("<request ref='1' user='alice' resource='x'>{enable}</request>"),
        "<event n='1' kind='removed' user='alice'/>".to_owned(),
        "<outcome ref='1' type='error' etype='cancel' condition='item-not-found'/>".to_owned(),
    ]
}

fn message(from: &str, element: &str) -> String {
    let element = element.replacen(' ', " xmlns='urn:x-xmpp-push:link' ", 1);
    format!("<message from='{from}' to='push.example.org'>{element}</message>")
}

/// alice, with a publish that is not answered yet.
fn waiting() -> World {
    let mut world = World::attached();
    world.enable("alice", "phone", "phone");
    world.service().manner = Manner::Silent;
    world.missed("offline", "alice", None, "first");
    world.settle();
    world.reports();
    world
}

#[test]
fn the_link_is_believed_from_its_adapter_alone() {
    for from in [
        "alice@example.org/xmpp-push",
        "example.org/other",
        "example.org",
        "example.com/xmpp-push",
        "sub.example.org/xmpp-push",
        "xmpp-push",
        "/xmpp-push",
        "",
    ] {
        let mut world = waiting();
        let before = world.bench.store.registrations("alice@example.org");
        for claim in claims() {
            world.bench.hear(&message(from, &claim));
            assert_eq!(world.bench.take(), [""; 0], "{from} {claim}");
        }
        let untrusted = Report::Untrusted { what: "link" };
        assert_eq!(
            world.reports(),
            [
                untrusted.clone(),
                untrusted.clone(),
                untrusted.clone(),
                untrusted
            ]
        );
        assert_eq!(world.bench.store.registrations("alice@example.org"), before);
    }
}

#[test]
fn events_and_requests_before_the_hello_are_not_heard() {
    let mut bench = Bench::new(settings());
    bench.up();
    bench.take();
    for claim in claims() {
        bench.hear(&message("example.org/xmpp-push", &claim));
    }
    assert_eq!(bench.take(), [""; 0]);
    assert_eq!(bench.store.asked, 0);
}

#[test]
fn users_of_other_hosts_cannot_be_meant() {
    for user in ["mallory@example.com", "a/b", "", "a b", "x@y/z", "@"] {
        let mut world = World::attached();
        let enable = "<enable xmlns='urn:xmpp:push:0' jid='push.example.com' node='n'/>";
        for claim in [
            format!("<event n='1' kind='removed' user='{user}'/>"),
            format!("<request ref='1' user='{user}'>{enable}</request>"),
        ] {
            world.bench.hear(&message("example.org/xmpp-push", &claim));
        }
        assert_eq!(world.bench.store.asked, 0, "{user:?}");
        let said = world.bench.take().concat();
        assert!(
            said.contains("<ack xmlns='urn:x-xmpp-push:link'") && said.contains(">1</ack>"),
            "{said}"
        );
        assert!(
            said.contains("ref='1' type='error' etype='modify' condition='bad-request'"),
            "{said}"
        );
    }
}

#[test]
fn an_answer_to_a_hello_that_was_not_sent_attaches_nobody() {
    let mut bench = Bench::new(settings());
    bench.up();
    bench.take();
    bench.hear(&message(
        "example.org/xmpp-push",
        "<hello version='2' session='guess' epoch='e'/>",
    ));
    bench.hear(&message("example.org/xmpp-push", &claims()[0]));
    assert_eq!(bench.take(), [""; 0]);
}

#[test]
fn another_version_is_reported_and_not_attached() {
    let mut bench = Bench::new(settings());
    bench.up();
    let hello = bench.take().concat();
    let session = hello
        .split("session='")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap();
    bench.take_reports();
    let answer = format!("<hello version='3' session='{session}' epoch='e'/>");
    bench.hear(&message("example.org/xmpp-push", &answer));
    let report = Report::WrongVersion {
        host: "example.org".to_owned(),
        version: 3,
    };
    assert_eq!(bench.take_reports(), [report]);
    bench.hear(&message("example.org/xmpp-push", &claims()[0]));
    assert_eq!(bench.take(), [""; 0]);
}

#[test]
fn what_a_later_version_may_say_is_passed_over() {
    let mut world = waiting();
    for element in [
        "<news a='1'/>",
        "<event n='2' kind='call' user='alice' shiny='1'/>",
        "<event n='x' kind='offline' user='alice'/>",
        "<event kind='offline'/>",
        "<outcome ref='1' type='maybe'/>",
        "<outcome ref='99' type='result'/>",
        "<withdraw session='older'>1-99</withdraw>",
        "<request ref='x' user='alice'/>",
    ] {
        world.bench.hear(&message("example.org/xmpp-push", element));
    }
    world.bench.pass(Duration::from_millis(10));
    let said = world.bench.take().concat();
    assert!(
        said.contains(">2</ack>") && !said.contains("publish"),
        "{said}"
    );
}

#[test]
fn somebody_else_s_answer_ends_nothing() {
    let mut world = waiting();
    world.service().manner = Manner::Foreign;
    world.missed("offline", "alice", None, "second");
    world.settle();
    assert_eq!(world.bench.store.len(), 1);
}

/// A component that publishes by itself; what it sent and the id of it.
fn own(privileged: bool) -> (Bench, String) {
    let mut bench = Bench::new(telling(settings()));
    bench.up();
    if privileged {
        bench.hear(
            "<message from='example.org' to='push.example.org'><privilege xmlns='urn:xmpp:privilege:2'><perm access='iq'>\
             <namespace ns='http://jabber.org/protocol/pubsub' type='set'/></perm></privilege></message>",
        );
    }
    bench.hear(
        "<iq type='set' from='example.org' to='push.example.org' id='o'><delegation xmlns='urn:xmpp:delegation:2'>\
         <forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='set' from='alice@example.org/p' id='i'>\
         <enable xmlns='urn:xmpp:push:0' jid='push.example.net' node='n'/></iq></forwarded></delegation></iq>",
    );
    bench.take();
    bench.hear(&tap("example.org", "alice@example.org"));
    let sent = bench.take().concat();
    let id = sent
        .split(" id='")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap();
    (bench, id.to_owned())
}

fn tap(from: &str, to: &str) -> String {
    format!(
        "<message from='{from}' to='push.example.org/offline'><forwarded xmlns='urn:xmpp:forward:0'>\
         <message xmlns='jabber:client' type='chat' from='bob@example.com/x' to='{to}' id='1'><body>hi</body></message>\
         </forwarded></message>"
    )
}

const GONE: &str =
    "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";

#[test]
fn an_answer_counts_from_the_push_service_and_under_its_id() {
    for (from, id, ends) in [
        ("push.example.net", None, true),
        ("other@push.example.net", None, false),
        ("push.example.com", None, false),
        ("mallory@example.com/x", None, false),
        ("", None, false),
        ("push.example.net", Some("guess"), false),
        ("push.example.net", Some(""), false),
    ] {
        let (mut bench, real) = own(false);
        let id = id.unwrap_or(&real);
        bench.hear(&format!(
            "<iq type='error' from='{from}' to='push.example.org' id='{id}'>{GONE}</iq>"
        ));
        assert_eq!(bench.store.is_empty(), ends, "{from} {id}");
    }
}

#[test]
fn a_privileged_answer_counts_from_the_user_s_server_about_the_push_service() {
    let wrapped = |from: &str| {
        format!(
            "<privilege xmlns='urn:xmpp:privilege:2'><forwarded xmlns='urn:xmpp:forward:0'>\
             <iq xmlns='jabber:client' type='error' from='{from}' to='alice@example.org' id='i'>{GONE}</iq></forwarded></privilege>"
        )
    };
    for (outer, content, ends) in [
        ("alice@example.org", wrapped("push.example.net"), true),
        ("alice@example.org", wrapped("push.example.com"), false),
        // The server's own refusal: nobody was asked.
        ("alice@example.org", GONE.to_owned(), false),
        ("push.example.net", wrapped("push.example.net"), false),
        ("mallory@example.org", wrapped("push.example.net"), false),
    ] {
        let (mut bench, id) = own(true);
        bench.hear(&format!(
            "<iq type='error' from='{outer}' to='push.example.org' id='{id}'>{content}</iq>"
        ));
        assert_eq!(bench.store.is_empty(), ends, "{outer} {content}");
    }
}

#[test]
fn only_a_configured_host_forwards_and_only_for_its_users() {
    let (mut bench, _) = own(false);
    bench.take_reports();
    for (from, to) in [
        ("example.com", "alice@example.org"),
        ("alice@example.org", "alice@example.org"),
        ("alice@example.org/x", "alice@example.org"),
        ("example.org", "alice@example.com"),
        ("example.org", "example.org"),
    ] {
        bench.hear(&tap(from, to).replace("id='1'", "id='2'"));
        assert_eq!(bench.take(), [""; 0], "{from} {to}");
    }
    let untrusted = Report::Untrusted {
        what: "forwarded message",
    };
    assert_eq!(bench.take_reports(), [untrusted.clone(), untrusted]);
}

#[test]
fn only_a_configured_host_delegates_and_grants() {
    let mut bench = Bench::new(settings());
    bench.up();
    for from in ["example.com", "alice@example.org", "example.org/x"] {
        for element in [
            "<delegation xmlns='urn:xmpp:delegation:2'><delegated namespace='urn:xmpp:push:0'/></delegation>",
            "<privilege xmlns='urn:xmpp:privilege:2'><perm access='iq'><namespace ns='http://jabber.org/protocol/pubsub' type='set'/></perm></privilege>",
        ] {
            bench.hear(&format!(
                "<message from='{from}' to='push.example.org'>{element}</message>"
            ));
        }
    }
    let Some(push_core::OperatorReply::Status(status)) =
        bench.ask(push_core::OperatorRequest::Status)
    else {
        unreachable!()
    };
    assert!(!status.hosts[0].delegated);
    assert_eq!(status.hosts[0].identity, None);
}
