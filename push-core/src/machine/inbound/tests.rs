use super::*;
use crate::hash::Seeded;
use crate::xml::sample::{Sample, element};

fn message(from: &str) -> Sample {
    element("message", Namespace::Component).with("from", from)
}

fn iq(from: &str, kind: &str, id: &str) -> Sample {
    element("iq", Namespace::Component)
        .with("from", from)
        .with("to", "push.example.org")
        .with("type", kind)
        .with("id", id)
}

fn link() -> Sample {
    element("knock", Namespace::Link)
}

fn delegation(namespace: Namespace) -> Sample {
    let delegated = element("delegated", Namespace::Delegation2).with("namespace", namespace.uri());
    element("delegation", Namespace::Delegation2).child(delegated)
}

fn privilege(kind: &str) -> Sample {
    let granted = element("namespace", Namespace::Privilege2)
        .with("ns", Namespace::Pubsub.uri())
        .with("type", kind);
    let perm = element("perm", Namespace::Privilege2).with("access", "iq");
    element("privilege", Namespace::Privilege2).child(perm.child(granted))
}

fn forwarded(inner: Sample) -> Sample {
    element("forwarded", Namespace::Forward).child(inner)
}

fn missed(to: &str) -> Sample {
    forwarded(element("message", Namespace::Client).with("to", to))
}

fn enable() -> Sample {
    element("enable", Namespace::Push)
        .with("jid", "push.example.net")
        .with("node", "n")
}

fn request(from: &str, kind: &str) -> Sample {
    element("iq", Namespace::Client)
        .with("from", from)
        .with("type", kind)
        .with("id", "i")
}

fn delegated(inner: Sample) -> Sample {
    element("delegation", Namespace::Delegation2).child(forwarded(inner))
}

/// Says in words what a stanza is, read by a component `push.example.org` that serves `example.org`.
fn read(sample: &Sample) -> String {
    let mut hosts = Hosts::new(Seeded::new(1, 2));
    hosts.configure(&["example.org".to_owned()]);
    let limits = RequestLimits::default();
    let inspector = Inspector::new(&hosts, "push.example.org", "run", &limits);
    let stanza = sample.stanza();
    match inspector.read(stanza.root()) {
        Inbound::Link(..) => "link".to_owned(),
        Inbound::NoAdapter(_) => "no adapter".to_owned(),
        Inbound::Delegated(_) => "delegated".to_owned(),
        Inbound::Privileged(_) => "privileged".to_owned(),
        Inbound::Missed(_, owner, missed) => {
            format!("{owner} missed {:?} {:?}", missed.cause, missed.resource)
        }
        Inbound::Request(_, asked) => match asked.request {
            Ok(_) => format!("request of {} {:?}", asked.owner, asked.resource),
            Err(error) => format!("request: {}", StanzaError::from(&error).condition.as_str()),
        },
        Inbound::Answer(number, from, _) => format!("answer {number} of {from}"),
        Inbound::Reply(reply) => format!("reply {}", said(&reply.answer)),
        Inbound::Untrusted(of, None) => format!("untrusted {of}"),
        Inbound::Untrusted(of, Some(reply)) => format!("untrusted {of}: {}", said(&reply.answer)),
        Inbound::Other => "other".to_owned(),
    }
}

fn said(answer: &Answer) -> String {
    match answer {
        Answer::Done => "done".to_owned(),
        Answer::Info(info) => format!("{} features", info.features.len()),
        Answer::Error(error) => error.condition.as_str().to_owned(),
    }
}

#[test]
fn every_message_is_told_apart() {
    let tap = |resource: &str| {
        let to = format!("push.example.org/{resource}");
        message("example.org")
            .with("to", &to)
            .child(missed("alice@example.org/phone"))
    };
    for (stanza, expected) in [
        (message("example.org/xmpp-push").child(link()), "link"),
        (message("example.org/xmpp-push"), "link"),
        (
            message("example.org/xmpp-push").with("type", "error"),
            "no adapter",
        ),
        (message("example.org/other").child(link()), "untrusted link"),
        (
            message("evil.example/xmpp-push").child(link()),
            "untrusted link",
        ),
        (message("evil.example").child(link()), "untrusted link"),
        (
            message("alice@example.org/xmpp-push").child(link()),
            "untrusted link",
        ),
        (
            message("example.org").child(delegation(Namespace::Push)),
            "delegated",
        ),
        (
            message("example.org").child(delegation(Namespace::Ping)),
            "other",
        ),
        (
            message("evil.example").child(delegation(Namespace::Push)),
            "other",
        ),
        (message("example.org").child(privilege("set")), "privileged"),
        (message("example.org").child(privilege("get")), "other"),
        (message("evil.example").child(privilege("set")), "other"),
        (tap("offline"), "alice@example.org missed Offline None"),
        (
            tap("queued"),
            "alice@example.org missed Queued Some(\"phone\")",
        ),
        (
            message("example.org").child(missed("bob@example.com")),
            "untrusted forwarded message",
        ),
        (
            message("example.org").child(missed("example.org")),
            "untrusted forwarded message",
        ),
        (
            message("evil.example").child(missed("alice@example.org")),
            "other",
        ),
        (message("example.org"), "other"),
        (element("presence", Namespace::Component), "other"),
    ] {
        assert_eq!(read(&stanza), expected, "{:?}", stanza.stanza());
    }
}

#[test]
fn every_iq_is_told_apart() {
    let (alice, phone) = ("alice@example.org", "alice@example.org/phone");
    let hand_over = |inner: Sample| iq("example.org", "set", "o").child(delegated(inner));
    let ping = element("ping", Namespace::Ping);
    let disco = || element("query", Namespace::DiscoInfo);
    for (stanza, expected) in [
        (
            iq("push.example.net", "result", "run-7"),
            "answer 7 of push.example.net",
        ),
        (iq(alice, "error", "run-7"), "answer 7 of alice@example.org"),
        (iq("push.example.net", "result", "run-x"), "other"),
        (iq("push.example.net", "result", "run7"), "other"),
        (iq("push.example.net", "result", "earlier-7"), "other"),
        (iq("anybody.example", "get", "1").child(ping), "reply done"),
        (
            iq("anybody.example", "get", "1").child(disco()),
            "reply 2 features",
        ),
        (
            iq("anybody.example", "get", "1").child(disco().with("node", "x")),
            "reply item-not-found",
        ),
        (
            iq("anybody.example", "set", "1").child(disco()),
            "reply service-unavailable",
        ),
        (
            iq("anybody.example", "get", "1"),
            "reply service-unavailable",
        ),
        (iq("anybody.example", "strange", "1"), "other"),
        (
            hand_over(request(phone, "set").child(enable())),
            "request of alice@example.org Some(\"phone\")",
        ),
        (
            hand_over(request(phone, "set").with("to", alice).child(enable())),
            "request of alice@example.org Some(\"phone\")",
        ),
        (
            hand_over(request(phone, "get").child(enable())),
            "request: not-allowed",
        ),
        (
            hand_over(request(phone, "set").with("to", "bob@example.org")),
            "request: not-allowed",
        ),
        (
            hand_over(request("bob@example.com/x", "set").child(enable())),
            "request: not-allowed",
        ),
        (hand_over(request(phone, "set")), "request: bad-request"),
        (hand_over(link()), "reply bad-request"),
        (
            iq("evil.example", "set", "o").child(delegated(request(phone, "set").child(enable()))),
            "untrusted delegated request: not-allowed",
        ),
    ] {
        assert_eq!(read(&stanza), expected, "{:?}", stanza.stanza());
    }
}

#[test]
fn the_answer_to_a_handed_over_request_goes_back_the_way_it_came() {
    let mut hosts = Hosts::new(Seeded::new(1, 2));
    hosts.configure(&["example.org".to_owned()]);
    let limits = RequestLimits::default();
    let inspector = Inspector::new(&hosts, "push.example.org", "run", &limits);
    let inner = request("alice@example.org/phone", "set").child(enable());
    let stanza = iq("example.org", "set", "o")
        .child(delegated(inner))
        .stanza();
    let Inbound::Request(_, asked) = inspector.read(stanza.root()) else {
        panic!("no request")
    };
    let ReplyTo::Delegation(reply) = asked.reply else {
        panic!("not to a server")
    };
    assert_eq!((&*reply.to, &*reply.id), ("example.org", "o"));
    assert_eq!(reply.version, Namespace::Delegation2);
    let inner = &reply.inner;
    assert_eq!(
        (&*inner.from, &*inner.to, &*inner.id),
        ("alice@example.org", "alice@example.org/phone", "i")
    );
}

#[test]
fn an_adapter_names_only_users_of_its_own_host() {
    assert!(owner("alice", "example.org").is_some());
    for other in ["", "alice@example.com/", "a/b", "alice@x"] {
        assert_eq!(owner(other, "example.org"), None, "{other:?}");
    }
}
