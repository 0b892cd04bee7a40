//! From bytes to stanzas and back, through the public interface.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod kit;

use kit::{CORPUS, Choices, Decoded, HEADER, Tree, decode, decode_whole};
use push_core::xml::{Namespace, Stanza, StanzaBuilder, WriteXml};
use push_transport_xmpp::{FramingError, Incoming, Limits, MalformedError, XmlWriter};

fn stream(stanzas: &[&str]) -> Vec<u8> {
    format!("{HEADER}{}", stanzas.join(" \n")).into_bytes()
}

fn stanzas(decoded: Decoded) -> Vec<Stanza> {
    let all = decoded.expect("well-formed");
    let stanza = |incoming| match incoming {
        Incoming::Stanza(stanza) => Some(stanza),
        _ => None,
    };
    all.into_iter().filter_map(stanza).collect()
}

fn refusal(stanza: &[u8]) -> MalformedError {
    let bytes = [HEADER.as_bytes(), stanza].concat();
    let (before, error) = decode_whole(&bytes, Limits::default()).expect_err("refused");
    assert_eq!(before.len(), 1, "only the header came before");
    error
}

#[test]
fn the_corpus_is_whole() {
    let mut bytes = stream(CORPUS);
    bytes.extend_from_slice(b"</stream:stream>");
    let decoded = decode_whole(&bytes, Limits::default()).unwrap();
    assert_eq!(decoded.len(), CORPUS.len() + 2);
    assert_eq!(decoded.last(), Some(&Incoming::Close));
    for (incoming, source) in decoded[1..].iter().zip(CORPUS) {
        let Incoming::Stanza(stanza) = incoming else {
            panic!("{incoming:?}");
        };
        assert_eq!(stanza.root().source(), *source);
    }
}

#[test]
fn any_one_cut_gives_the_same_stanzas() {
    let bytes = stream(CORPUS);
    let whole = decode_whole(&bytes, Limits::default());
    for cut in 0..=bytes.len() {
        let cuts = [cut, bytes.len()];
        assert_eq!(
            decode(&bytes, &cuts, Limits::default()),
            whole,
            "cut at {cut}"
        );
    }
    let every: Vec<usize> = (0..=bytes.len()).collect();
    assert_eq!(decode(&bytes, &every, Limits::default()), whole);
}

#[test]
fn any_cuts_give_the_same_stanzas() {
    let bytes = stream(CORPUS);
    let whole = decode_whole(&bytes, Limits::default());
    for seed in 0..500 {
        let cuts = Choices::new(seed).cuts(bytes.len());
        assert_eq!(
            decode(&bytes, &cuts, Limits::default()),
            whole,
            "seed {seed}"
        );
    }
}

#[test]
fn what_is_written_reads_the_same() {
    for seed in 0..2000 {
        let mut choices = Choices::new(seed);
        let tree = Tree::random(&mut choices, 5);
        let mut tape = StanzaBuilder::new();
        tree.write_xml(&mut tape);
        let expected = tape.finish().unwrap();

        let mut writer = XmlWriter::new();
        writer.stanza(&tree);
        let bytes = [HEADER.as_bytes(), writer.bytes()].concat();
        let read = stanzas(decode(
            &bytes,
            &choices.cuts(bytes.len()),
            Limits::default(),
        ));
        assert_eq!(read, [expected], "seed {seed}: {tree:?}");
    }
}

#[test]
fn what_was_read_can_be_written_and_read_again() {
    let first = stanzas(decode_whole(&stream(&CORPUS[..5]), Limits::default()));
    let mut writer = XmlWriter::new();
    for stanza in &first {
        writer.stanza(&stanza.root());
    }
    let bytes = [HEADER.as_bytes(), writer.bytes()].concat();
    assert_eq!(stanzas(decode_whole(&bytes, Limits::default())), first);
}

#[test]
fn what_rfc_6120_forbids_is_refused() {
    let restricted = MalformedError::Framing(FramingError::Restricted);
    for (stanza, error) in [
        // §11.1
        ("<a><!-- c --></a>", restricted),
        ("<!-- c --><a/>", restricted),
        ("<a><?pi x?></a>", restricted),
        ("<?xml version='1.0'?><a/>", restricted),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", restricted),
        ("<a><!ENTITY b 'c'></a>", restricted),
        ("<a>&nbsp;</a>", MalformedError::Entity),
        ("<a b='&nbsp;'/>", MalformedError::Entity),
        ("<a>&</a>", MalformedError::Entity),
        ("<a>&amp</a>", MalformedError::Entity),
        ("<a b='&'/>", MalformedError::Entity),
        // §11.3
        ("<a><b></a></b>", MalformedError::Tags),
        ("<a></b>", MalformedError::Tags),
        ("<a></a/>", MalformedError::Tags),
        ("<a></ a>", MalformedError::Tags),
        ("<a b='1' b='2'/>", MalformedError::Duplicate),
        ("<a xmlns='x' xmlns='y'/>", MalformedError::Duplicate),
        ("<a xmlns:p='x' p:b='' p:b=''/>", MalformedError::Duplicate),
        ("<a b/>", MalformedError::Attribute),
        ("<a b=1/>", MalformedError::Attribute),
        ("<a b='1'c='2'/>", MalformedError::Attribute),
        ("<a b='<'/>", MalformedError::Attribute),
        ("<1/>", MalformedError::Name),
        ("<></a>", MalformedError::Name),
        ("< a/>", MalformedError::Name),
        ("<a:b:c/>", MalformedError::Name),
        ("<a:/>", MalformedError::Name),
        ("<a 1=''/>", MalformedError::Name),
        ("<a b<c=''/>", MalformedError::Name),
        ("<a>]]></a>", MalformedError::Text),
        ("text<a/>", MalformedError::Framing(FramingError::Text)),
        ("<a>&#1;</a>", MalformedError::Character),
    ] {
        assert_eq!(refusal(stanza.as_bytes()), error, "{stanza}");
    }
}

/// As Prosody 0.12 and ejabberd 23.01 passed it on from another component or their HTTP API.
#[test]
fn what_servers_pass_on_from_their_users_does_not_end_the_stream() {
    for (source, namespace) in [
        // The sender's stream header declared the prefix.
        ("<evil:x evil:a='1'/>", Namespace::Other),
        ("<x xmlns:q='evil' q:a='' evil:a=''/>", Namespace::Component),
        // The sender wrote <xml:x/> and xml:a.
        (
            "<x xmlns='http://www.w3.org/XML/1998/namespace'/>",
            Namespace::Xml,
        ),
        (
            "<x xmlns:ns1='http://www.w3.org/XML/1998/namespace' ns1:a='1' xml:lang='de'/>",
            Namespace::Component,
        ),
        (
            "<x xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:a='1'/>",
            Namespace::Component,
        ),
        // The sender bound the prefix stream: to something else.
        (
            "<x xmlns:q='http://etherx.jabber.org/streams' q:a='' stream:a=''/>",
            Namespace::Component,
        ),
        ("<x>\x01\u{FFFE}</x>", Namespace::Component),
    ] {
        let message = format!("<message>{source}</message>");
        let read = stanzas(decode_whole(&stream(&[&message]), Limits::default()));
        let child = read[0].root().only_child();
        assert!(child.is_some_and(|x| x.is("x", namespace)), "{source}");
    }
}

#[test]
fn what_is_not_utf_8_is_replaced() {
    for bytes in [&b"<a>\xFF</a>"[..], b"<a>\xC3</a>", b"<a>\xE2\x82</a>"] {
        let bytes = [HEADER.as_bytes(), bytes].concat();
        let read = stanzas(decode_whole(&bytes, Limits::default()));
        assert_eq!(read[0].root().text(), "\u{FFFD}");
    }
    assert_eq!(refusal(b"<a></a\xE9>"), MalformedError::Tags);
}

#[test]
fn a_stream_begins_with_its_header() {
    let opened = |bytes: &str| decode_whole(bytes.as_bytes(), Limits::default());
    for bytes in [
        "HTTP/1.1 400 Bad Request\r\n",
        "<stream xmlns='jabber:component:accept'>",
        "<stream:stream>",
        "</stream:stream>",
        "<stream:stream xmlns:stream='http://etherx.jabber.org/streams'/>",
        "<!DOCTYPE stream><stream:stream xmlns:stream='http://etherx.jabber.org/streams'>",
        "<?xml version='1.0'?><?pi?><stream:stream xmlns:stream='http://etherx.jabber.org/streams'>",
        "<?pi?><stream:stream xmlns:stream='http://etherx.jabber.org/streams'>",
    ] {
        assert!(opened(bytes).is_err(), "{bytes}");
    }
    for header in [
        "<stream:stream xmlns:stream='http://etherx.jabber.org/streams'>",
        "\n<?xml version='1.0' encoding='UTF-8' ?>\r\n<s:stream xmlns:s='http://etherx.jabber.org/streams'>",
        "<stream xmlns='http://etherx.jabber.org/streams'>",
    ] {
        let decoded = opened(header).unwrap();
        assert!(matches!(&decoded[..], [Incoming::Header(_)]), "{header}");
    }
}

#[test]
fn entities_that_multiply_are_never_defined() {
    let laughs =
        "<!DOCTYPE a [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'><!ENTITY c '&b;&b;&b;'>]><a>&c;</a>";
    assert_eq!(
        refusal(laughs.as_bytes()),
        MalformedError::Framing(FramingError::Restricted)
    );
    let many = format!("<a>{}</a>", "&lt;".repeat(100_000));
    let read = stanzas(decode_whole(&stream(&[&many]), Limits::default()));
    assert_eq!(read[0].root().text(), "<".repeat(100_000));
    assert!(read[0].len() <= many.len() + 100_000);
}

#[test]
fn a_stanza_over_a_limit_is_skipped_and_the_stream_goes_on() {
    let limits = Limits {
        max_stanza: 4096,
        max_depth: 20,
        max_attributes: 10,
    };
    let many = format!(
        "<a{}/>",
        ('a'..='k')
            .map(|n| [" ", &n.to_string(), "=''"].concat())
            .collect::<String>()
    );
    for long in [
        format!("<a>{}</a>", "x".repeat(4090)),
        format!("<a>{}</a>", "<b c='>'/>".repeat(10_000)),
        format!("<a b='{}'/>", "/>".repeat(10_000)),
        format!("<a><![CDATA[{}]]></a>", "</a>]]".repeat(10_000)),
        format!("{}{}", "<a>".repeat(21), "</a>".repeat(21)),
        many,
    ] {
        let bytes = stream(&["<b/>", &long, "<c/>"]);
        for seed in 0..20 {
            let cuts = Choices::new(seed).cuts(bytes.len());
            let decoded = decode(&bytes, &cuts, limits).unwrap();
            assert_eq!(decoded[2], Incoming::Skipped(long.len()));
            assert!(matches!(&decoded[3], Incoming::Stanza(c) if c.root().name() == "c"));
        }
    }
    let just = format!("<a>{}</a>", "x".repeat(4089));
    assert_eq!(stanzas(decode_whole(&stream(&[&just]), limits)).len(), 1);
}

#[test]
fn namespaces_come_from_the_header_too() {
    let header = "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' xmlns:push='urn:xmpp:push:0'>";
    let bytes = format!("{header}<iq><push:enable/></iq>").into_bytes();
    let read = stanzas(decode_whole(&bytes, Limits::default()));
    assert!(read[0].root().child("enable", Namespace::Push).is_some());
}
