//! Fuzz bodies: functions of any bytes that must hold, run by `cargo test` with a generator and by whoever has a fuzzer.

mod anything;
mod mutation;

pub use anything::Anything;
pub use mutation::{mutated, odd};

use super::xml;
use super::{Bench, COMPONENT, HOST, settings};
use push_core::DeliveryOutcome;
use push_core::link::{FromAdapter, read};
use push_core::registration::{Identity, Revision, Status};
use push_core::report::{PublishEnd, Report};
use push_core::row::Row;
use push_core::transport::StreamEvent;
use push_core::xep::pubsub::Publish;
use push_core::xep::push::{Request, RequestLimits, read_request};
use push_core::xep::summary::Summary;
use push_core::xml::{ElementRef, Namespace, Stanza};
use push_core::{Event, Registration, Timestamp};

/// A request that is taken comes back from the store as it was, and out again with every publish as the client wrote it.
pub fn request(text: &str) -> bool {
    let Some(stanza) = xml::only(text) else {
        return false;
    };
    let Ok(Request::Enable { target, options }) =
        read_request(stanza.root(), &RequestLimits::default())
    else {
        return false;
    };
    let registration = Registration {
        target,
        options,
        revision: Revision::new(7),
        status: Status::Active,
        resource: None,
        identity: Identity::Server,
        enabled_at: Timestamp::from_millis(1),
    };
    let stored = Registration::try_from(Row::from(&registration));
    assert_eq!(stored.as_ref(), Ok(&registration));
    let published = xml::written(&Publish {
        registration: &registration,
        summary: &Summary::default(),
    });
    let published = xml::parse(&published);
    let node = published.root().child("publish", Namespace::Pubsub);
    let node = node.and_then(|publish| publish.attribute("node"));
    assert_eq!(node, Some(registration.target.node.as_str()));
    let written: Vec<_> = registration
        .options
        .fields()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    assert_eq!(options_of(&published), written);
    true
}

fn options_of(pubsub: &Stanza) -> Vec<(String, String)> {
    let form = pubsub.root().child("publish-options", Namespace::Pubsub);
    let form = form.and_then(|options| options.child("x", Namespace::DataForms));
    let fields = form.into_iter().flat_map(ElementRef::children).skip(1);
    fields
        .map(|field| {
            let value = field.child("value", Namespace::DataForms).unwrap();
            let name = field.attribute("var").unwrap();
            (name.to_owned(), value.text().into_owned())
        })
        .collect()
}

/// Whatever an adapter says of a publish, it has one end, and the registration is there or has been ended by the push service.
pub fn outcome(attributes: &str) -> bool {
    let text = format!("<outcome xmlns='urn:x-xmpp-push:link' ref='1' {attributes}/>");
    let Some(stanza) = xml::only(&text) else {
        return false;
    };
    let Some(FromAdapter::Outcome { number: 1, outcome }) = read(stanza.root()) else {
        return false;
    };
    let mut bench = waiting();
    bench.hear(&from_adapter(&text));
    let reports = bench.take_reports();
    let ends = reports.iter().filter_map(|report| match report {
        Report::Published { end, .. } => Some(*end),
        _ => None,
    });
    let ends: Vec<PublishEnd> = ends.collect();
    assert_eq!(ends.len(), 1, "{attributes}");
    let ended = reports
        .iter()
        .any(|report| matches!(report, Report::Ended { .. }));
    assert_eq!(ended, bench.store.is_empty(), "{attributes}");
    assert!(
        !ended || matches!(outcome, DeliveryOutcome::Refused(_)),
        "{attributes}"
    );
    true
}

/// alice's registration with a publish in flight.
fn waiting() -> Bench {
    let mut bench = Bench::new(settings());
    bench.up();
    let hello = bench.take().concat();
    let session = session_of(&hello).unwrap();
    bench.hear(&from_adapter(&format!(
        "<hello xmlns='urn:x-xmpp-push:link' version='2' session='{session}' epoch='e'/>"
    )));
    bench.hear(&from_adapter(
        "<request xmlns='urn:x-xmpp-push:link' ref='1' user='alice'><enable xmlns='urn:xmpp:push:0' jid='a.b' node='n'/></request>",
    ));
    bench.hear(&from_adapter(
        "<event xmlns='urn:x-xmpp-push:link' n='1' kind='offline' user='alice'/>",
    ));
    bench.take_reports();
    bench
}

fn from_adapter(element: &str) -> String {
    format!("<message from='{HOST}/xmpp-push' to='{COMPONENT}'>{element}</message>")
}

fn session_of(hello: &str) -> Option<String> {
    let (_, behind) = hello.split_once("session='")?;
    Some(behind.split('\'').next()?.to_owned())
}

/// Whatever an adapter says is read or passed over.
pub fn link(text: &str) -> bool {
    let Some(events) = xml::read(text) else {
        return false;
    };
    for event in &events {
        if let StreamEvent::Stanza(stanza) = event {
            let children = stanza.root().children();
            children.for_each(|child| drop(read(child).map(|read| format!("{read:?}"))));
        }
    }
    let mut bench = waiting();
    bench.tell_all(events.into_iter().map(Event::from));
    bench.pass(std::time::Duration::from_secs(200));
    true
}
