//! What the tests share: a corpus, random trees, ways to decode.
#![expect(dead_code, reason = "each test uses a part")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

pub(crate) mod server;

use push_core::xml::{ElementSink, Namespace, WriteXml};
use push_transport_xmpp::{Decoder, Incoming, Limits, MalformedError};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// A server's side of the stream, up to where stanzas begin.
pub(crate) const HEADER: &str = "<?xml version='1.0'?><stream:stream id='42' \
    xmlns:stream='http://etherx.jabber.org/streams' xml:lang='en' \
    xmlns='jabber:component:accept' from='push.example.test'>";

/// Stanzas as servers write them, and all that XML allows besides.
pub(crate) const CORPUS: &[&str] = &[
    "<handshake/>",
    "<message type='headline' xml:lang='en' to='push.example.test/keepalive' from='push.example.test' id='1'><ping xmlns='urn:xmpp:ping'/></message>",
    "<iq from=\"example.test\" to='push.example.test' type='set' id='rr-1'><delegation xmlns='urn:xmpp:delegation:1'><forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' from='alice@example.test/r1' type='set' id='q6'><enable xmlns='urn:xmpp:push:0' jid='push.example.net' node='yxs32uqsflafdk3iuqo'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field><field var='secret'><value>eruio234&lt;&amp;&gt;</value></field></x></enable></iq></forwarded></delegation></iq>",
    "<message from='a@b/c' to='d'><body>Grüße &#x1F600; &amp;amp; ]] ></body>\r\n<x a=\"'\" b='\">/>' c='&#10;\t\n'/></message >",
    "<message><![CDATA[<message>]]]]><![CDATA[>&amp;]]></message>",
    "<message ><p:x xmlns:p='urn:xmpp:push:0' p:y='1' y='2'><p:z xmlns:p='urn:other'/></p:x><evil:x evil:y='1'/></message>",
    "<message><a xmlns=''><b/></a><\u{e9}l\u{e9}ment/></message\n>",
    "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
];

/// A source of choices that can be repeated.
pub(crate) struct Choices(ChaCha8Rng);

impl Choices {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.0.next_u64() % bound as u64).unwrap()
    }

    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// Ends of the pieces that `length` bytes are cut into.
    pub(crate) fn cuts(&mut self, length: usize) -> Vec<usize> {
        let longest = self.one_of(&[2, 8, 64, 1024]);
        let mut cuts = vec![0];
        while cuts[cuts.len() - 1] < length {
            cuts.push((cuts[cuts.len() - 1] + 1 + self.below(longest)).min(length));
        }
        cuts
    }
}

/// What a stream is decoded to, up to the first error.
pub(crate) type Decoded = Result<Vec<Incoming>, (Vec<Incoming>, MalformedError)>;

/// Decodes bytes pushed in pieces that end at `cuts`.
pub(crate) fn decode(bytes: &[u8], cuts: &[usize], limits: Limits) -> Decoded {
    let mut decoder = Decoder::new(limits);
    let mut all = Vec::new();
    let mut from = 0;
    for &to in cuts {
        decoder.push(&bytes[from..to]);
        from = to;
        loop {
            match decoder.next_incoming() {
                Ok(Some(incoming)) => all.push(incoming),
                Ok(None) => break,
                Err(error) => return Err((all, error)),
            }
        }
    }
    Ok(all)
}

/// Decodes all at once.
pub(crate) fn decode_whole(bytes: &[u8], limits: Limits) -> Decoded {
    decode(bytes, &[bytes.len()], limits)
}

/// A random element.
#[derive(Debug)]
pub(crate) struct Tree {
    name: &'static str,
    namespace: Namespace,
    attributes: Vec<(&'static str, String)>,
    content: Vec<Node>,
}

#[derive(Debug)]
enum Node {
    Text(String),
    Element(Tree),
}

impl Tree {
    /// A tree at most `depth` high.
    pub(crate) fn random(choices: &mut Choices, depth: usize) -> Self {
        let names = ["a", "message", "body", "x-1.y_z", "é", "名前"];
        let mut attributes = Vec::new();
        for name in ["to", "from", "_1", "ö"] {
            if choices.below(3) == 0 {
                attributes.push((name, random_text(choices)));
            }
        }
        let children = if depth == 0 { 0 } else { choices.below(4) };
        let content = (0..children).map(|_| match choices.below(2) {
            0 => Node::Text(random_text(choices)),
            _ => Node::Element(Self::random(choices, depth - 1)),
        });
        Self {
            content: content.collect(),
            name: choices.one_of(&names),
            namespace: random_namespace(choices),
            attributes,
        }
    }
}

fn random_namespace(choices: &mut Choices) -> Namespace {
    match choices.below(4) {
        0 => Namespace::None,
        1 => Namespace::Component,
        _ => choices.one_of(Namespace::KNOWN),
    }
}

fn random_text(choices: &mut Choices) -> String {
    let parts = [
        "a", "<", ">", "&", "'", "\"", "\t", "\n", "\r", " ", "]]>", "&amp;", "é", "€", "ﻼ", "😀",
        "\u{85}",
    ];
    let length = choices.below(6);
    (0..length).map(|_| choices.one_of(&parts)).collect()
}

impl WriteXml for Tree {
    fn write_xml(&self, sink: &mut dyn ElementSink) {
        sink.start(self.name, self.namespace);
        for (name, value) in &self.attributes {
            sink.attribute(name, value);
        }
        for node in &self.content {
            match node {
                Node::Text(text) => sink.text(text),
                Node::Element(element) => element.write_xml(sink),
            }
        }
        sink.end();
    }
}
