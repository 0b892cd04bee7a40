//! Transcripts: documents that say what goes in and out, played against the Machine.
//!
//! A transcript is paragraphs, separated by empty lines. `in:` with indented stanzas is heard by the service, `then:` is
//! something else that happens (`Player::happen` knows the sentences); the `out:` behind either is all that the service says
//! within 10 ms after it. Everything else is prose. Random words have names: `SESSION-A` and `INSTANCE-A` are the first of their
//! kind.

use super::bench::Bench;
use super::store::Mood;
use super::{HOST, SERVICE, settings, xml};
use push_core::plugin::MongooseImPlugin;
use push_core::registration::Identity;
use push_core::{BareJid, Event, IdentityChoice, OperatorRequest, Settings};
use std::sync::Arc;
use std::time::Duration;

/// Acknowledgements that nothing takes along come within it.
const MOMENT: Duration = Duration::from_millis(10);

/// The transcript as it really goes: `text` with what the service says.
pub fn play(text: &str) -> String {
    let mut player = Player::new(settings());
    let paragraphs = text.split("\n\n").map(|part| part.trim_matches('\n'));
    let spoken = paragraphs.flat_map(|paragraph| player.paragraph(paragraph));
    spoken.collect::<Vec<_>>().join("\n\n") + "\n"
}

/// The first lines that differ.
pub fn difference(expected: &str, got: &str) -> String {
    let (mut expected, mut got) = (expected.lines(), got.lines());
    for line in 1.. {
        let (expected, got) = (expected.next(), got.next());
        if expected != got {
            let shown = |line: Option<&str>| line.unwrap_or("(nothing)").to_owned();
            return format!(
                "line {line}\n  expected: {}\n  got:      {}",
                shown(expected),
                shown(got)
            );
        }
        if expected.is_none() {
            break;
        }
    }
    "only in line ends".to_owned()
}

/// Plays one transcript.
struct Player {
    bench: Bench,
    /// Random words and their names.
    names: Vec<(String, String)>,
    requests: u64,
}

impl Player {
    fn new(settings: Settings) -> Self {
        Self {
            bench: Bench::new(settings),
            names: Vec::new(),
            requests: 100,
        }
    }

    fn paragraph(&mut self, paragraph: &str) -> Vec<String> {
        if paragraph == "out:" || paragraph.starts_with("out:\n") {
            return Vec::new();
        }
        if let Some(stanzas) = paragraph.strip_prefix("in:\n") {
            let text = self.unnamed(stanzas);
            self.bench.hear(&text);
        } else if let Some(sentence) = paragraph.strip_prefix("then: ") {
            self.happen(sentence);
        } else {
            return vec![paragraph.to_owned()];
        }
        let mut shown = vec![paragraph.to_owned()];
        self.bench.pass(MOMENT);
        let out: Vec<String> = self.bench.take();
        if !out.is_empty() {
            let stanzas = out.iter().map(|stanza| indented(&self.named(stanza)));
            shown.push(format!("out:\n{}", stanzas.collect::<Vec<_>>().join("\n")));
        }
        shown
    }

    /// What can happen.
    fn happen(&mut self, sentence: &str) {
        match sentence {
            "the service starts" => *self = Self::new(settings()),
            "the service starts with sender and body" => {
                *self = Self::new(super::telling(settings()));
            }
            "the service starts with the mongooseim plugin" => *self = Self::new(mongooseim()),
            "the service starts with the identity user" => {
                *self = Self::new(only(Identity::User));
            }
            "the service starts with the identity component" => {
                *self = Self::new(only(Identity::Component));
            }
            "the stream comes up" => self.bench.up(),
            "the stream is lost" => self.bench.down(),
            "the store is unavailable" => self.bench.store(Mood::Unavailable),
            "the store works again" => self.bench.store(Mood::Works),
            "the operator stops the service" => drop(self.bench.ask(OperatorRequest::Drain)),
            "the adapter is attached" => self.attach(),
            _ => self.happen_with(sentence),
        }
    }

    /// What can happen to somebody, or for some time.
    fn happen_with(&mut self, sentence: &str) {
        let words: Vec<&str> = sentence.split(' ').collect();
        match words.as_slice() {
            [count, "seconds", "pass"] => {
                let seconds = count.parse().unwrap();
                self.bench.pass(Duration::from_secs(seconds));
            }
            ["somebody", "else", "has", "changed", "what", user, "has"] => {
                let owner = BareJid::new(&format!("{user}@{HOST}")).unwrap();
                self.bench.tell(Event::Invalidate(owner));
                self.bench.take();
            }
            [user, "has", "enabled", "push", "on", "the", resource] => {
                self.enable(user, resource, "");
            }
            [
                user,
                "has",
                "enabled",
                "push",
                "with",
                "a",
                "secret",
                "on",
                "the",
                resource,
            ] => {
                self.enable(user, resource, &secret(resource));
            }
            _ => unreachable!("nothing that can happen: {sentence}"),
        }
    }

    /// Hellos, without showing them.
    fn attach(&mut self) {
        self.bench.up();
        let hello = self.bench.take().concat();
        let session = self.named(&hello);
        let session = session.split("session='").nth(1).unwrap();
        let session = self.unnamed(session.split('\'').next().unwrap());
        self.bench.hear(&format!(
            "<message from='{HOST}/xmpp-push' to='push.example.org'><hello xmlns='urn:x-xmpp-push:link' \
             version='2' session='{session}' epoch='e1' software='prosody 0.12.3' dropped='0'/></message>"
        ));
        self.bench.take();
    }

    fn enable(&mut self, user: &str, resource: &str, form: &str) {
        self.requests += 1;
        let (number, user) = (self.requests, user.to_lowercase());
        self.bench.hear(&format!(
            "<message from='{HOST}/xmpp-push' to='push.example.org'><request xmlns='urn:x-xmpp-push:link' \
             ref='{number}' user='{user}' resource='{resource}'><enable xmlns='urn:xmpp:push:0' \
             jid='{SERVICE}' node='{resource}-node'>{form}</enable></request></message>"
        ));
        let answer = self.bench.take().concat();
        assert!(answer.contains("type='result'"), "{answer}");
    }

    /// Names for the random words in what the service says.
    fn named(&mut self, text: &str) -> String {
        for (before, kind) in [
            ("session='", "SESSION"),
            ("instance='", "INSTANCE"),
            ("id='", "INSTANCE"),
        ] {
            for found in text.split(before).skip(1) {
                let word: String = found.chars().take_while(char::is_ascii_hexdigit).collect();
                if word.len() == 16 && !self.names.iter().any(|(known, _)| *known == word) {
                    let count = self
                        .names
                        .iter()
                        .filter(|(_, name)| name.starts_with(kind))
                        .count();
                    let letter = char::from(b'A' + u8::try_from(count).unwrap());
                    self.names.push((word, format!("{kind}-{letter}")));
                }
            }
        }
        self.names
            .iter()
            .fold(text.to_owned(), |text, (word, name)| {
                text.replace(word, name)
            })
    }

    fn unnamed(&self, text: &str) -> String {
        self.names
            .iter()
            .fold(text.to_owned(), |text, (word, name)| {
                text.replace(name, word)
            })
    }
}

fn mongooseim() -> Settings {
    let mut settings = settings();
    settings.plugin = Arc::new(MongooseImPlugin::Defaults);
    settings
}

fn only(identity: Identity) -> Settings {
    let mut settings = settings();
    settings.identity = IdentityChoice::Only(identity);
    settings
}

fn secret(resource: &str) -> String {
    format!(
        "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>\
         <value>http://jabber.org/protocol/pubsub#publish-options</value></field>\
         <field var='secret'><value>{resource}-secret</value></field></x>"
    )
}

fn indented(stanza: &str) -> String {
    let lines = xml::pretty(stanza);
    let lines = lines.lines().map(|line| format!("  {line}"));
    lines.collect::<Vec<_>>().join("\n")
}
