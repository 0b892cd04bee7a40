//! The publish as it leaves, byte for byte.

use push_core::plugin::MongooseImPlugin;
use push_core::{IdentityChoice, registration::Identity};
use push_tests::world::{Bench, settings};
use std::sync::Arc;

/// What MongooseIM 6.2.1 was seen to publish (the `<pubsub/>` of it).
const REFERENCE: &str = "<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='yxs32uqsflafdk3iuqo'><item><notification xmlns='urn:xmpp:push:0'><x xmlns='jabber:x:data' type='submit'><field type='hidden' var='FORM_TYPE'><value>urn:xmpp:push:summary</value></field><field var='message-count'><value>1</value></field><field var='last-message-sender'><value>bob@example.test</value></field><field var='last-message-body'><value>Wherefore art thou?</value></field></x></notification></item></publish><publish-options><x xmlns='jabber:x:data' type='submit'><field type='hidden' var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field><field var='secret'><value>eruio234vzxc2kla-91</value></field></x></publish-options></pubsub>";

/// What is published for a message with this text.
fn published(form: &str, body: &str) -> String {
    let mut settings = settings();
    settings.plugin = Arc::new(MongooseImPlugin::Defaults);
    settings.identity = IdentityChoice::Only(Identity::Component);
    let mut bench = Bench::new(settings);
    bench.up();
    bench.hear(&format!(
        "<iq type='set' from='example.org' to='push.example.org' id='o'><delegation xmlns='urn:xmpp:delegation:2'>\
         <forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='set' from='alice@example.org/p' id='i'>\
         <enable xmlns='urn:xmpp:push:0' jid='push.example.net' node='yxs32uqsflafdk3iuqo'>{form}</enable></iq>\
         </forwarded></delegation></iq>"
    ));
    bench.take();
    bench.hear(&format!(
        "<message from='example.org' to='push.example.org/offline'><forwarded xmlns='urn:xmpp:forward:0'>\
         <message xmlns='jabber:client' type='chat' from='Bob@example.test/x' to='alice@example.org'>\
         <body>{body}</body></message></forwarded></message>"
    ));
    let iq = bench.take().concat();
    let (_, pubsub) = iq.split_once("'>").unwrap();
    pubsub.strip_suffix("</iq>").unwrap().to_owned()
}

const FORM: &str = "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>\
    <value>http://jabber.org/protocol/pubsub#publish-options</value></field>\
    <field var='secret'><value>eruio234vzxc2kla-91</value></field></x>";

#[test]
fn the_mongooseim_plugin_publishes_what_mongooseim_does() {
    assert_eq!(published(FORM, "Wherefore art thou?"), REFERENCE);
}

#[test]
fn without_a_form_there_are_no_options_at_all() {
    let (expected, _) = REFERENCE.split_once("<publish-options>").unwrap();
    assert_eq!(
        published("", "Wherefore art thou?"),
        format!("{expected}</pubsub>")
    );
}

#[test]
fn a_body_comes_whole_and_escaped() {
    let body = "&lt;b>&amp; \u{1F600} \"'";
    let said = published("", body);
    assert!(
        said.contains("<value>&lt;b&gt;&amp; \u{1F600} \"'</value>"),
        "{said}"
    );
}
