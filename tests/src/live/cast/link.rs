//! The service of a transcript: it takes down what the adapter tells, and acknowledges it.

use crate::live::Result;
use crate::live::push_service::PushService;
use crate::once::names::Names;
use crate::once::order::ordered;
use crate::world::xml;
use push_core::xml::{ElementRef, Namespace};

/// The events that it asks for.
const WANT: &str = "offline queued unacked lost archived";

/// The service's end of a link.
#[derive(Debug)]
pub(super) struct Link {
    /// The names of things in the transcript.
    pub(super) names: Names,
    service: PushService,
    host: String,
    /// Events that were taken down.
    taken: usize,
    hellos: usize,
    epochs: Vec<String>,
    is_silent: bool,
}

impl Link {
    /// One that is not attached yet.
    pub(super) fn new(service: PushService, host: String) -> Self {
        let mut names = Names::default();
        names.give(host.clone(), "example.org");
        Self {
            names,
            service,
            host,
            taken: 0,
            hellos: 0,
            epochs: Vec::new(),
            is_silent: false,
        }
    }

    /// Exchanges hellos.
    ///
    /// # Errors
    /// As all methods here: the adapter does not answer, or the component is not connected.
    pub(super) async fn attach(&mut self) -> Result<()> {
        self.hellos += 1;
        let session = format!("s{}", self.hellos);
        self.say(
            &format!("hello version='2' session='{session}' instance='i' window='1000' users='0'"),
            &format!("<want>{WANT}</want>"),
        )?;
        let answer = |heard: &[String]| heard.iter().find_map(|stanza| epoch(stanza, &session));
        let heard = self
            .service
            .hears_until(|heard| answer(heard).is_some())
            .await?;
        let epoch = answer(&heard).filter(|epoch| !self.epochs.contains(epoch));
        if let Some(epoch) = epoch {
            self.epochs.push(epoch.clone());
            self.names.give(epoch, format!("e{}", self.epochs.len()));
        }
        Ok(())
    }

    /// The server has been restarted.
    ///
    /// # Errors
    /// As [`Link::attach`].
    pub(super) async fn is_restarted(&mut self) -> Result<()> {
        self.service.connected().await?;
        self.attach().await
    }

    /// The service's component disconnects.
    ///
    /// # Errors
    /// It cannot.
    pub(super) async fn leaves(&self) -> Result<()> {
        self.service.leaves().await
    }

    /// The component connects again.
    ///
    /// # Errors
    /// As [`Link::attach`].
    pub(super) async fn returns(&mut self) -> Result<()> {
        self.service.returns().await?;
        self.attach().await
    }

    /// Acknowledges nothing any more.
    pub(super) fn falls_silent(&mut self) {
        self.is_silent = true;
    }

    /// Waits for so many events more.
    ///
    /// # Errors
    /// They do not come in time.
    pub(super) async fn hears(&self, count: usize) -> Result<()> {
        let enough = self.taken + count;
        let heard = self
            .service
            .hears_until(|heard| events(heard).len() >= enough);
        heard.await.map(drop)
    }

    /// Takes the events that have come since, as they stand in a transcript, and acknowledges them.
    ///
    /// # Errors
    /// As [`Link::attach`].
    pub(super) fn new_events(&mut self) -> Result<Vec<String>> {
        let all = events(&self.service.heard());
        let new = &all[self.taken..];
        self.taken = all.len();
        let events = new.iter().map(|event| self.names.normal(event)).collect();
        if !self.is_silent && !new.is_empty() {
            self.say(&format!("ack session='s{}'", self.hellos), "1-100000")?;
        }
        Ok(ordered(events))
    }

    fn say(&self, tag: &str, content: &str) -> Result<()> {
        let (from, host) = (self.service.jid(), &self.host);
        let name = tag.split(' ').next().unwrap_or_default();
        self.service.say(&format!(
            "<message from='{from}' to='{host}/xmpp-push'><{tag} xmlns='urn:x-xmpp-push:link'>{content}</{name}></message>"
        ))
    }
}

/// Returns the epoch in the answer to the hello of a session.
fn epoch(stanza: &str, session: &str) -> Option<String> {
    let stanza = xml::parse(stanza);
    let hello = stanza.root().child("hello", Namespace::Link)?;
    let epoch = hello.attribute("epoch").map(str::to_owned);
    epoch.filter(|_| hello.attribute("session") == Some(session))
}

/// Returns the events among what was heard, as XML.
fn events(heard: &[String]) -> Vec<String> {
    let is_event = |element: &ElementRef<'_>| element.is("event", Namespace::Link);
    let of_stanza = |stanza: &String| {
        let stanza = xml::parse(stanza);
        let events = stanza.root().children().filter(is_event);
        events
            .map(|event| event.source().to_owned())
            .collect::<Vec<_>>()
    };
    heard.iter().flat_map(of_stanza).collect()
}
