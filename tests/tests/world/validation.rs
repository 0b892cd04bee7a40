//! Every row of the reference's validation table, with our differences, over both ways a request can come.

#[path = "validation/limits.rs"]
mod limits;

use push_core::report::{Report, RequestOutcome};
use push_core::xep::push::RequestLimits;
use push_core::xml::{ElementRef, Namespace};
use push_tests::world::telling;
use push_tests::world::xml::{escaped, parse};
use push_tests::world::{Bench, HOST, World, settings};

const FORM_TYPE: &str = "<field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>";
const SECRET: &str = "hunter2";

/// What a client is told: `result`, or type, condition and text.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    what: String,
    text: String,
}

/// Asks over the link.
fn by_link(bench: &mut Bench, payload: &str) -> Told {
    bench.hear(&format!(
        "<message from='{HOST}/xmpp-push' to='push.example.org'><request xmlns='urn:x-xmpp-push:link' \
         ref='1' user='alice' resource='phone'>{payload}</request></message>"
    ));
    let sent = bench.take().concat();
    let stanza = parse(&sent);
    let answer = stanza.root().child("answer", Namespace::Link).unwrap();
    let attribute = |name| answer.attribute(name).unwrap_or_default();
    let what = match attribute("type") {
        "error" => format!("{}/{}", attribute("etype"), attribute("condition")),
        kind => kind.to_owned(),
    };
    Told {
        what,
        text: answer.text().into_owned(),
    }
}

/// Asks through the server's delegation, in a request of this type.
fn by_delegation(bench: &mut Bench, version: u8, kind: &str, payload: &str) -> Told {
    bench.hear(&format!(
        "<iq type='set' from='{HOST}' to='push.example.org' id='o'><delegation xmlns='urn:xmpp:delegation:{version}'>\
         <forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='{kind}' from='alice@example.org/phone' \
         to='alice@example.org' id='i'>{payload}</iq></forwarded></delegation></iq>"
    ));
    let sent = bench.take();
    let sent = sent
        .iter()
        .find(|stanza| stanza.starts_with("<iq"))
        .unwrap();
    let outer = parse(sent);
    assert_eq!(outer.root().attribute("type"), Some("result"), "{sent}");
    assert_eq!(outer.root().attribute("id"), Some("o"));
    let wrapper = outer.root().only_child().unwrap();
    let expected = format!("urn:xmpp:delegation:{version}");
    assert_eq!(wrapper.namespace().uri(), expected);
    let inner = wrapper.only_child().unwrap().only_child().unwrap();
    assert_eq!(inner.attribute("to"), Some("alice@example.org/phone"));
    inner_told(inner)
}

fn inner_told(iq: ElementRef<'_>) -> Told {
    let Some(error) = iq.child("error", Namespace::Client) else {
        assert_eq!(iq.attribute("type"), Some("result"));
        assert!(iq.children().next().is_none(), "an empty result");
        return Told {
            what: "result".to_owned(),
            text: String::new(),
        };
    };
    assert_eq!(iq.attribute("type"), Some("error"));
    let condition = error.children().next().unwrap();
    let text = error.child("text", Namespace::StanzaErrors);
    Told {
        what: format!("{}/{}", error.attribute("type").unwrap(), condition.name()),
        text: text.map_or_else(String::new, |text| text.text().into_owned()),
    }
}

/// The answer to `payload`, the same over the link and both versions of delegation.
fn answer(payload: &str) -> Told {
    let fresh = || {
        let mut bench = attached();
        bench.take_reports();
        bench
    };
    let told = by_link(&mut fresh(), payload);
    for version in [1, 2] {
        let delegated = by_delegation(&mut fresh(), version, "set", payload);
        assert_eq!(delegated, told, "{payload}");
    }
    assert!(!told.text.contains(SECRET), "{told:?}");
    told
}

fn attached() -> Bench {
    let mut bench = Bench::new(telling(settings()));
    bench.up();
    let hello = bench.take().concat();
    let session = parse(&hello);
    let session = session.root().only_child().unwrap();
    let session = session.attribute("session").unwrap();
    bench.hear(&format!(
        "<message from='{HOST}/xmpp-push' to='push.example.org'><hello xmlns='urn:x-xmpp-push:link' version='2' \
         session='{session}' epoch='e'/></message>"
    ));
    bench.take();
    bench
}

fn enable(form: &str) -> String {
    format!("<enable xmlns='urn:xmpp:push:0' jid='push.example.net' node='n'>{form}</enable>")
}

fn submit(fields: &str) -> String {
    enable(&format!(
        "<x xmlns='jabber:x:data' type='submit'>{fields}</x>"
    ))
}

fn refused(payload: &str, what: &str, text: &str) {
    let told = answer(payload);
    assert_eq!(
        (told.what.as_str(), told.text.as_str()),
        (what, text),
        "{payload}"
    );
}

#[test]
fn malformed_requests_say_what_is_wrong() {
    let push = |rest: &str| format!("<{rest} xmlns='urn:xmpp:push:0'/>");
    let secret = format!("<field var='secret'><value>{SECRET}</value></field>");
    let rows: [(String, &str); 17] = [
        (
            push("enabled jid='a.b' node='n'"),
            "neither enable nor disable",
        ),
        (
            push("enable node='n'"),
            "the jid of the push service is missing",
        ),
        (
            push("enable jid='' node='n'"),
            "the jid of the push service is missing",
        ),
        (
            push("enable jid='@' node='n'"),
            "the jid of the push service is not a JID",
        ),
        (
            push("enable jid='a b@c d' node='n'"),
            "the jid of the push service is not a JID",
        ),
        (
            push("enable jid='a@' node='n'"),
            "the jid of the push service is not a JID",
        ),
        (push("enable jid='a.b'"), "enable needs a node"),
        (push("enable jid='a.b' node=''"), "the node is empty"),
        (push("disable"), "the jid of the push service is missing"),
        (
            push("disable jid=''"),
            "the jid of the push service is missing",
        ),
        (push("disable jid='a.b' node=''"), "the node is empty"),
        (
            enable(&format!(
                "<x xmlns='jabber:x:data' type='form'>{FORM_TYPE}{secret}</x>"
            )),
            "the form is not of type submit",
        ),
        (
            enable(&format!("<x xmlns='jabber:x:data'>{FORM_TYPE}{secret}</x>")),
            "the form is not of type submit",
        ),
        (submit(&secret), "the form has no FORM_TYPE"),
        (
            submit(
                "<field var='FORM_TYPE'><value> http://jabber.org/protocol/pubsub#publish-options </value></field>",
            ),
            "the FORM_TYPE is not that of publish-options",
        ),
        (
            submit(&format!("{FORM_TYPE}<field var='secret'/>")),
            "a field of the form has not exactly one value",
        ),
        (
            submit(&format!(
                "{FORM_TYPE}<field var='secret'><value>{SECRET}</value><value>{SECRET}</value></field>"
            )),
            "a field of the form has not exactly one value",
        ),
    ];
    for (payload, text) in rows {
        refused(&payload, "modify/bad-request", text);
    }
}

#[test]
fn a_form_type_with_two_values_is_malformed() {
    let value = "<value>http://jabber.org/protocol/pubsub#publish-options</value>";
    let twice = submit(&format!("<field var='FORM_TYPE'>{value}{value}</field>"));
    refused(
        &twice,
        "modify/bad-request",
        "a field of the form has not exactly one value",
    );
}

#[test]
fn a_request_of_type_get_is_not_allowed() {
    let payloads = [enable(""), "<disable xmlns='urn:xmpp:push:0'/>".to_owned()];
    for payload in payloads {
        let told = by_delegation(&mut attached(), 2, "get", &payload);
        assert_eq!(told.what, "cancel/not-allowed");
        assert_eq!(told.text, "enable and disable are requests of type set");
    }
}

#[test]
fn a_request_needs_exactly_one_child() {
    for payload in [String::new(), enable("") + &enable("")] {
        let told = by_delegation(&mut attached(), 2, "set", &payload);
        assert_eq!(told.what, "modify/bad-request");
        assert_eq!(told.text, "the request has not exactly one child");
    }
    let told = by_link(&mut attached(), "");
    assert_eq!(told.what, "modify/bad-request");
    assert_eq!(told.text, "the request is empty");
}

/// What is kept of an enable that is accepted.
fn options(payload: &str) -> Vec<(String, String)> {
    let mut bench = attached();
    let told = by_link(&mut bench, payload);
    assert_eq!(told.what, "result", "{payload}");
    let kept = bench.store.registrations("alice@example.org");
    assert_eq!(kept.len(), 1);
    let fields = kept[0].options.fields();
    fields
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn what_the_reference_takes_is_taken() {
    let field = |var: &str, value: &str| {
        format!(
            "<field var='{var}'><value>{}</value></field>",
            escaped(value)
        )
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    // No form, FORM_TYPE alone, a form of another namespace.
    for form in [
        enable(""),
        submit(FORM_TYPE),
        enable("<x xmlns='urn:other' type='form'/>"),
    ] {
        assert_eq!(options(&form), [], "{form}");
    }
    // An empty value; a field without name is dropped, as is what is no field; the last of one name counts.
    let odd = submit(&format!(
        "{FORM_TYPE}{}<field><value>x</value></field><title>t</title>{}{}",
        field("a", ""),
        field("b", "1"),
        field("b", "2"),
    ));
    assert_eq!(options(&odd), [pair("a", ""), pair("b", "2")]);
    // Only the first form counts; more children and attributes do not disturb.
    let second = enable(&format!(
        "<y xmlns='urn:other'/><x xmlns='jabber:x:data' type='submit' z='1'>{FORM_TYPE}{}</x><x xmlns='jabber:x:data' type='form'/>",
        field("a", "1")
    ));
    assert_eq!(options(&second), [pair("a", "1")]);
}

#[test]
fn values_are_kept_byte_for_byte_and_in_order() {
    let values = [
        ("z", " two\n lines\t"),
        ("a", "<&>'\""),
        ("m", "\u{1F600}é\u{301}"),
    ];
    let fields: Vec<String> = values
        .iter()
        .map(|(var, value)| {
            format!(
                "<field var='{var}'><value>{}</value></field>",
                escaped(value)
            )
        })
        .collect();
    let kept = options(&submit(&format!("{FORM_TYPE}{}", fields.concat())));
    let expected = values.map(|(var, value)| (var.to_owned(), value.to_owned()));
    assert_eq!(kept, expected);
}

#[test]
fn a_resource_of_the_push_service_is_taken_off_and_its_localpart_kept() {
    for (jid, kept) in [
        ("Push.example.net/x", "push.example.net"),
        ("App@push.example.net", "app@push.example.net"),
    ] {
        let mut bench = attached();
        let payload = format!("<enable xmlns='urn:xmpp:push:0' jid='{jid}' node='n'/>");
        assert_eq!(by_link(&mut bench, &payload).what, "result");
        let have = bench.store.registrations("alice@example.org");
        assert_eq!(have[0].target.service.as_str(), kept);
        let disable = format!("<disable xmlns='urn:xmpp:push:0' jid='{jid}'/>");
        assert_eq!(by_link(&mut bench, &disable).what, "result");
        assert!(bench.store.is_empty());
    }
}

#[test]
fn disabling_what_is_not_there_succeeds() {
    for payload in [
        "<disable xmlns='urn:xmpp:push:0' jid='push.example.net'/>",
        "<disable xmlns='urn:xmpp:push:0' jid='push.example.net' node='n'><x xmlns='jabber:x:data'/></disable>",
    ] {
        assert_eq!(answer(payload).what, "result");
    }
}
