//! Streams of nonsense: nothing panics, and no cut makes a difference.
//!
//! Seconds long and the same in each run. A seed that fails is named and can be run alone.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod kit;

use kit::{CORPUS, Choices, HEADER, Tree, decode, decode_whole};
use push_core::xml::WriteXml;
use push_transport_xmpp::{Incoming, Limits, XmlWriter};

/// Pieces of syntax, put together at random.
const PIECES: &[&str] = &[
    "<",
    ">",
    "/",
    "</",
    "/>",
    "'",
    "\"",
    "=",
    "&",
    ";",
    "&lt;",
    "&#x41;",
    "&#0;",
    "<![CDATA[",
    "]]>",
    "]",
    "<!--",
    "-->",
    "<?",
    "?>",
    "<!DOCTYPE",
    "a",
    "a:b",
    "xmlns",
    "xmlns:p='u'",
    " ",
    "\n",
    "\r",
    "\0",
    "\u{FFFE}",
    "é",
    "<a>",
    "</a>",
    "<a/>",
    "<p:a p:b='1'>",
    "</p:a>",
    " b='1'",
    "text",
    "</stream:stream>",
];

fn nonsense(choices: &mut Choices) -> Vec<u8> {
    let pieces = choices.below(40);
    let middle: String = (0..pieces).map(|_| choices.one_of(PIECES)).collect();
    format!("{HEADER}{middle}").into_bytes()
}

/// The corpus with a few bytes changed, removed, repeated or cut off.
fn damaged(choices: &mut Choices) -> Vec<u8> {
    let mut bytes = format!("{HEADER}{}", CORPUS.concat()).into_bytes();
    for _ in 0..=choices.below(4) {
        let at = choices.below(bytes.len());
        match choices.below(5) {
            0 => bytes[at] = u8::try_from(choices.below(256)).unwrap(),
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, choices.one_of(b"<>/'\"&;=!?[] :")),
            3 => {
                let end = bytes.len().min(at + choices.below(50));
                bytes.extend_from_within(at..end);
            }
            _ => bytes.truncate(at.max(1)),
        }
    }
    bytes
}

fn check(bytes: &[u8], choices: &mut Choices) {
    let limits = Limits {
        max_depth: 8,
        ..Limits::default()
    };
    let whole = decode_whole(bytes, limits);
    let cuts = choices.cuts(bytes.len());
    assert_eq!(
        decode(bytes, &cuts, limits),
        whole,
        "{}",
        String::from_utf8_lossy(bytes)
    );
    for incoming in whole.unwrap_or_else(|(before, _)| before) {
        if let Incoming::Stanza(stanza) = incoming {
            let mut writer = XmlWriter::new();
            writer.stanza(&stanza.root());
            let rewritten = [HEADER.as_bytes(), writer.bytes()].concat();
            let read = decode_whole(&rewritten, limits).expect("what is written is well-formed");
            assert_eq!(read.len(), 2);
        }
    }
}

#[test]
fn nonsense_is_told_from_sense_however_it_is_cut() {
    for seed in 0..8_000 {
        let mut choices = Choices::new(seed);
        let bytes = nonsense(&mut choices);
        check(&bytes, &mut choices);
    }
}

#[test]
fn damage_is_noticed_or_harmless() {
    for seed in 0..2_000 {
        let mut choices = Choices::new(seed);
        let bytes = damaged(&mut choices);
        check(&bytes, &mut choices);
    }
}

#[test]
fn values_cannot_break_out() {
    struct Hostile<'a>(&'a str);
    impl WriteXml for Hostile<'_> {
        fn write_xml(&self, sink: &mut dyn push_core::xml::ElementSink) {
            sink.start("a", push_core::xml::Namespace::Component);
            sink.attribute("b", self.0);
            sink.text(self.0);
            sink.end();
        }
    }
    for seed in 0..3_000 {
        let mut choices = Choices::new(seed);
        let length = choices.below(12);
        let value: String = (0..length).map(|_| choices.one_of(PIECES)).collect();
        let mut writer = XmlWriter::new();
        writer.stanza(&Hostile(&value));
        writer.stanza(&Tree::random(&mut choices, 2));
        let bytes = [HEADER.as_bytes(), writer.bytes()].concat();
        let decoded = decode_whole(&bytes, Limits::default()).expect("well-formed");
        let Incoming::Stanza(stanza) = &decoded[1] else {
            panic!("{decoded:?}");
        };
        let legal = value.replace(['\0', '\u{FFFE}'], "\u{FFFD}");
        assert_eq!(stanza.root().attribute("b"), Some(&*legal));
        assert_eq!(stanza.root().text(), legal);
    }
}
