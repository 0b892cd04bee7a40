//! Plays a transcript to the Machine, in virtual time: a service whose adapter tells what the server told.

use super::script::{Paragraph, Script};
use crate::world::bench::Bench;
use crate::world::{COMPONENT, HOST, SERVICE, settings, xml};
use push_core::xml::{ElementRef, Namespace};
use std::collections::BTreeMap;
use std::time::Duration;

/// Returns the transcript with what the devices were really told of.
#[must_use]
pub fn play(script: &Script) -> Script {
    let mut player = Player::new();
    let paragraphs = script.0.iter().map(|paragraph| player.paragraph(paragraph));
    Script(paragraphs.collect())
}

struct Player {
    bench: Bench,
    epochs: usize,
    requests: usize,
    /// Messages that each device was told of since the last `told:`.
    told: BTreeMap<String, u64>,
}

impl Player {
    fn new() -> Self {
        let mut player = Self {
            bench: Bench::new(settings()),
            epochs: 0,
            requests: 0,
            told: BTreeMap::new(),
        };
        player.attach();
        player
    }

    fn paragraph(&mut self, paragraph: &Paragraph) -> Paragraph {
        match paragraph {
            Paragraph::Then(sentence) => self.happens(sentence),
            Paragraph::In(events) => events.iter().for_each(|event| self.hears(event)),
            Paragraph::Told(_) => {
                let told = std::mem::take(&mut self.told);
                return Paragraph::Told(told.into_iter().collect());
            }
            Paragraph::Prose(_) => {}
        }
        paragraph.clone()
    }

    /// The events of the adapter say enough, but for whom push is enabled.
    fn happens(&mut self, sentence: &str) {
        if let Some(device) = sentence.strip_prefix("alice has enabled push on the ") {
            self.enable(device);
        } else if sentence == "the server is restarted" {
            self.bench.down();
            self.attach();
        }
        self.bench.pass(Duration::from_secs(1));
    }

    /// Exchanges hellos, with a new epoch.
    fn attach(&mut self) {
        self.epochs += 1;
        self.bench.up();
        let greeting = xml::parse(&self.bench.take().concat());
        let hello = greeting.root().child("hello", Namespace::Link).unwrap();
        let (session, epoch) = (hello.attribute("session").unwrap(), self.epochs);
        self.link(&format!(
            "<hello xmlns='urn:x-xmpp-push:link' version='2' session='{session}' epoch='e{epoch}' software='test'/>"
        ));
        self.bench.take();
    }

    fn enable(&mut self, device: &str) {
        self.requests += 1;
        let number = self.requests;
        self.link(&format!(
            "<request xmlns='urn:x-xmpp-push:link' ref='{number}' user='alice' resource='{device}'>\
             <enable xmlns='urn:xmpp:push:0' jid='{SERVICE}' node='{device}'/></request>"
        ));
        let answer = self.bench.take().concat();
        assert!(answer.contains("type='result'"), "{answer}");
    }

    /// The adapter tells; the push service accepts all that it gets.
    fn hears(&mut self, element: &str) {
        self.link(element);
        loop {
            let said = self.bench.take();
            if said.is_empty() {
                return;
            }
            for stanza in &said {
                self.publish_all(stanza);
            }
        }
    }

    fn publish_all(&mut self, stanza: &str) {
        let stanza = xml::parse(stanza);
        let is_publish = |element: &ElementRef<'_>| element.is("publish", Namespace::Link);
        for publish in stanza.root().children().filter(is_publish) {
            let device = publish.attribute("resource").unwrap_or_default();
            *self.told.entry(device.to_owned()).or_default() += count(publish);
            let number = publish.attribute("ref").unwrap();
            self.link(&format!(
                "<outcome xmlns='urn:x-xmpp-push:link' ref='{number}' type='result'/>"
            ));
        }
    }

    fn link(&mut self, element: &str) {
        self.bench.hear(&format!(
            "<message from='{HOST}/xmpp-push' to='{COMPONENT}'>{element}</message>"
        ));
    }
}

/// Returns how many messages a publish tells of.
fn count(publish: ElementRef<'_>) -> u64 {
    let source = publish.source();
    let count = source
        .split("var='message-count'><value>")
        .nth(1)
        .and_then(|rest| rest.split('<').next());
    count.and_then(|count| count.parse().ok()).unwrap_or(1)
}
