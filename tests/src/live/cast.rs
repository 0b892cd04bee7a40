//! Plays a transcript of [`crate::once`] on a real server, with users of its own and the service played: the adapter's events
//! are all that counts.

mod link;

use std::collections::BTreeMap;
use std::time::Duration;

use super::handset::{Habits, Handset};
use super::newcomer::Newcomer;
use super::push_service::PushService;
use super::slot::Slot;
use super::stage::Ports;
use super::{Failure, Result};
use crate::once::script::{Paragraph, Script};
use link::Link;

/// The sentence at which a play stops until [`Cast::goes_on`].
pub const RESTART: &str = "the server is restarted";

/// Longer than the tests' servers let a session be resumed.
const RESUMPTION: Duration = Duration::from_secs(9);

/// How long it takes a server to see that a connection is lost, and to tell what nobody waits for.
const QUIET: Duration = Duration::from_millis(800);

/// A session that can be resumed.
const PLAIN: Habits = Habits {
    resumable: true,
    carbons: false,
    available: true,
};

/// A transcript on its way.
#[derive(Debug)]
pub struct Cast {
    script: Script,
    /// How many events follow each thing that happens; none if that is to be found out.
    counts: Option<Vec<usize>>,
    played: Vec<Paragraph>,
    next: usize,
    happened: usize,
    port: u16,
    bob: Handset,
    alice: String,
    handsets: BTreeMap<String, Handset>,
    link: Link,
}

impl Cast {
    /// Registers the users and attaches the service. `script` says what happens; if it says also what is told, that is waited
    /// for, else whatever comes in time is taken.
    ///
    /// # Errors
    /// The server does not let them in.
    pub async fn assemble(
        script: &Script,
        is_recording: bool,
        slot: Slot,
        ports: Ports,
    ) -> Result<Self> {
        let (alice, bob) = (slot.user("alice"), slot.user("bob"));
        let service = PushService::connect(&slot.component(), ports.component).await?;
        let mut link = Link::new(service, slot.host());
        // Before the accounts are made: of those it does not want to hear.
        link.attach().await?;
        let mut signing_up = Newcomer::connect(&slot.host(), ports.c2s).await?;
        for (jid, name) in [(&alice, "alice"), (&bob, "bob")] {
            signing_up.register(jid).await?;
            link.names.give(jid.clone(), format!("{name}@example.org"));
            link.names
                .give(jid.split('@').next().unwrap_or_default(), name);
        }
        Ok(Self {
            counts: (!is_recording).then(|| script.counts()),
            script: script.without_events(),
            played: Vec::new(),
            next: 0,
            happened: 0,
            port: ports.c2s,
            bob: Handset::connect(&bob, "desk", ports.c2s, PLAIN).await?,
            alice,
            handsets: BTreeMap::new(),
            link,
        })
    }

    /// Returns the transcript as it really went.
    #[must_use]
    pub fn transcript(self) -> Script {
        Script(self.played)
    }

    /// Plays to the end or to a restart of the server. Returns whether it has ended.
    ///
    /// # Errors
    /// Something cannot happen, or what is told of it does not come.
    pub async fn play(&mut self) -> Result<bool> {
        while let Some(paragraph) = self.script.0.get(self.next).cloned() {
            self.next += 1;
            self.played.push(paragraph.clone());
            let Paragraph::Then(sentence) = paragraph else {
                continue;
            };
            if sentence == RESTART {
                return Ok(false);
            }
            self.happens(&sentence).await?;
            self.listen().await?;
        }
        Ok(true)
    }

    /// The server has been restarted.
    ///
    /// # Errors
    /// As [`Cast::play`].
    pub async fn goes_on(&mut self) -> Result<()> {
        self.handsets.clear();
        self.bob = Handset::connect(self.bob.jid(), "desk", self.port, PLAIN).await?;
        self.link.is_restarted().await?;
        self.listen().await
    }

    async fn happens(&mut self, sentence: &str) -> Result<()> {
        let words: Vec<&str> = sentence.split(' ').collect();
        match words.as_slice() {
            ["alice", "has", "enabled", "push", ..] => Ok(()),
            ["the", device, "connects"] => self.connect(device, PLAIN).await,
            ["the", device, "connects", "with", "carbons"] => {
                self.connect(
                    device,
                    Habits {
                        carbons: true,
                        ..PLAIN
                    },
                )
                .await
            }
            ["the", device, "connects", "without", "resumption"] => {
                self.connect(
                    device,
                    Habits {
                        resumable: false,
                        ..PLAIN
                    },
                )
                .await
            }
            ["the", device, "connects", "and", "says", "nothing"] => {
                let silent = Habits {
                    available: false,
                    ..PLAIN
                };
                self.connect(device, silent).await
            }
            ["the", device, "becomes", "available"] => {
                self.handset(device)?.become_available().await
            }
            ["the", device, "acknowledges"] => self.handset(device)?.acknowledge().await,
            ["the", device, "resumes"] => self.handset(device)?.resume().await,
            ["the", device, "leaves"] => self.handset(device)?.leave().await,
            ["the", device, "is", "lost"] => {
                self.handset(device)?.lose();
                // Sessions that were lost at different times end at different times.
                tokio::time::sleep(QUIET).await;
                Ok(())
            }
            ["bob", "writes", id] => self.write(id, &self.alice.clone()).await,
            ["bob", "writes", id, "to", "the", device] => {
                self.write(id, &format!("{}/{device}", self.alice)).await
            }
            ["the", "time", "for", "resumption", "is", "over"] => Ok(()),
            ["the", "service", "goes", "away"] => self.link.leaves().await,
            ["the", "service", "comes", "back"] => self.link.returns().await,
            ["the", "service", "acknowledges", "nothing", "more"] => {
                self.link.falls_silent();
                Ok(())
            }
            _ => Err(Failure::new(format!("nothing that can happen: {sentence}"))),
        }
    }

    async fn connect(&mut self, device: &str, habits: Habits) -> Result<()> {
        let handset = Handset::connect(&self.alice, device, self.port, habits).await?;
        self.handsets.insert(device.to_owned(), handset);
        Ok(())
    }

    fn handset(&mut self, device: &str) -> Result<&mut Handset> {
        let handset = self.handsets.get_mut(device);
        handset.ok_or_else(|| Failure::new(format!("there is no {device}")))
    }

    /// Twice under one id is two messages that look alike.
    async fn write(&mut self, id: &str, to: &str) -> Result<()> {
        self.bob.write(to, id).await
    }

    /// Takes down what the adapter tells of what has happened last.
    async fn listen(&mut self) -> Result<()> {
        let happened = self.happened;
        self.happened += 1;
        let expected = self.counts.as_ref().and_then(|counts| counts.get(happened));
        match expected.filter(|count| **count > 0) {
            Some(count) => self.link.hears(*count).await?,
            None => tokio::time::sleep(pause_after(self.played.last())).await,
        }
        let events = self.link.new_events()?;
        if !events.is_empty() {
            self.played.push(Paragraph::In(events));
        }
        Ok(())
    }
}

/// How long to wait for what may follow. Whoever acts by a round trip has waited.
fn pause_after(last: Option<&Paragraph>) -> Duration {
    match last {
        Some(Paragraph::Then(sentence)) if sentence.ends_with("is over") => RESUMPTION,
        Some(Paragraph::Then(sentence)) if sentence.starts_with("alice") => Duration::ZERO,
        _ => QUIET,
    }
}
