//! Fuzz bodies, fed by a generator for a bounded number of rounds.

use push_tests::world::fuzz::{Anything, link, mutated, odd, outcome, request};
use push_tests::world::random::{Dice, every_seed};
use push_tests::world::xml::escaped;
use std::fs;

/// Stanzas the service hears in the transcripts.
fn corpus() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/transcripts");
    let mut stanzas = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let text = fs::read_to_string(path).unwrap();
        let heard = text
            .split("\n\n")
            .filter_map(|part| part.trim().strip_prefix("in:\n"));
        // Top-level stanzas begin at the same indentation.
        for paragraph in heard {
            let parts = paragraph
                .replace("\n  <message", "\u{0}  <message")
                .replace("\n  <iq", "\u{0}  <iq");
            stanzas.extend(parts.split('\u{0}').map(|stanza| stanza.trim().to_owned()));
        }
    }
    stanzas.sort();
    assert!(stanzas.len() > 50);
    stanzas
}

/// Words to build requests and attributes of.
fn word(dice: &mut Dice) -> String {
    let words = [
        "",
        "a",
        "push.example.net",
        "App@Push.Example.net/x",
        "\u{1F600}",
        "<&>'\"",
        "\t\n ",
        "é\u{301}",
        "FORM_TYPE",
        "http://jabber.org/protocol/pubsub#publish-options",
        "secret",
        "]]>",
        "a@b@c",
        "@",
    ];
    let count = 1 + usize::from(dice.once_in(4));
    (0..count).map(|_| *dice.pick(&words)).collect()
}

fn enable(dice: &mut Dice) -> String {
    let field = |dice: &mut Dice| {
        let (var, value) = (escaped(&word(dice)), escaped(&word(dice)));
        format!("<field var='{var}'><value>{value}</value></field>")
    };
    let fields: String = (0..dice.below(4)).map(|_| field(dice)).collect();
    let form_type = "<field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>";
    let (jid, node) = (
        ["push.example.net", "a.b/c", &escaped(&word(dice))][dice.below(3)].to_owned(),
        escaped(&word(dice)),
    );
    format!(
        "<enable xmlns='urn:xmpp:push:0' jid='{jid}' node='{node}'><x xmlns='jabber:x:data' type='submit'>{form_type}{fields}</x></enable>"
    )
}

#[test]
fn what_a_client_enables_is_what_is_published() {
    let mut dice = Dice::new(1);
    let mut taken = 0;
    for _ in 0..10_000 {
        let text = enable(&mut dice);
        let text = if dice.once_in(3) {
            mutated(&mut dice, &text)
        } else {
            text
        };
        taken += usize::from(request(&text));
    }
    assert!(taken > 2_500, "only {taken} were taken");
}

#[test]
fn every_answer_to_a_publish_is_judged() {
    let names = ["type", "origin", "etype", "condition", "other"];
    let values = [
        "result",
        "error",
        "foreign",
        "timeout",
        "server",
        "link",
        "cancel",
        "wait",
        "auth",
        "modify",
        "continue",
        "item-not-found",
        "gone",
        "forbidden",
        "resource-constraint",
        "service-unavailable",
        "undefined-condition",
        "x",
        "",
    ];
    let mut dice = Dice::new(2);
    let mut judged = 0;
    for _ in 0..3_000 {
        let mut attributes = String::new();
        for name in names {
            if !dice.once_in(4) {
                let value = if name == "type" {
                    *dice.pick(&values[..4])
                } else {
                    *dice.pick(&values)
                };
                attributes += &[name, "='", value, "' "].concat();
            }
        }
        judged += usize::from(outcome(&attributes));
    }
    assert!(judged > 800, "only {judged} were judged");
}

#[test]
fn nothing_an_adapter_says_breaks_the_reader() {
    let corpus = corpus();
    let mut dice = Dice::new(3);
    let mut read = 0;
    for _ in 0..3_000 {
        let text = dice.pick(&corpus).clone();
        let text = if dice.once_in(2) {
            odd(&mut dice, &text)
        } else {
            mutated(&mut dice, &text)
        };
        read += usize::from(link(&text));
    }
    assert!(read > 1_000, "only {read} were well-formed");
}

/// The service's last session has this name.
const HELLO: &str = "<message from='example.org/xmpp-push' to='push.example.org'>\
    <hello xmlns='urn:x-xmpp-push:link' version='2' session='SESSION-A' epoch='e1'/></message>";

#[test]
fn the_machine_takes_anything_in_any_order() {
    let corpus = corpus();
    let mut publishes = 0;
    every_seed("anything", 0..80, |seed| {
        let mut dice = Dice::new(seed);
        // Few enough that they meet; without a hello nothing else is heard.
        let mut stanzas = vec![HELLO.to_owned(); 6];
        stanzas.extend((0..40).map(|_| {
            let text = dice.pick(&corpus).clone();
            if dice.once_in(3) {
                odd(&mut dice, &text)
            } else {
                text
            }
        }));
        let mut machine = Anything::new(u8::try_from(seed).unwrap());
        for _ in 0..400 {
            machine.step(&mut dice, &stanzas);
            machine.check();
        }
        publishes += machine.publishes;
    });
    assert!(publishes > 400, "only {publishes} published");
}
