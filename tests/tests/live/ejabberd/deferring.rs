//! A service that defers events, played by the test.

use push_tests::live::Result;
use push_tests::live::ejabberd::Ejabberd;
use push_tests::live::stage::Client;

use super::played::{Link, acknowledges_all, attribute, events};
use super::suite::posing::Poser;
use super::withdrawn::withdrawn;

/// A recipient of a deferred event.
pub(super) fn recipient(id: &str, resource: &str) -> String {
    format!("<for id='{id}' r='{resource}'/>")
}

/// The recipients in an event, in order, as they are written above.
pub(super) fn recipients(event: &str) -> String {
    let one = |tag: &str| {
        let id = attribute(tag, "id")?;
        Some(recipient(id, attribute(tag, "r").unwrap_or_default()))
    };
    event
        .split("<for")
        .skip(1)
        .filter_map(|rest| one(rest.split('>').next()?))
        .collect()
}

/// The events that were told again after a deferral.
pub(super) fn again(heard: &[String]) -> Vec<&str> {
    events(heard, "offline")
        .into_iter()
        .filter(|event| attribute(event, "was").is_some())
        .collect()
}

/// The epoch of the adapter's last hello.
pub(super) fn epoch(poser: &Poser) -> String {
    let heard = poser.component.heard();
    let hello = heard.iter().rfind(|stanza| stanza.contains("<hello"));
    hello
        .and_then(|hello| attribute(hello, "epoch"))
        .unwrap_or_default()
        .to_owned()
}

/// Somebody who is away, somebody who writes to them, and the service.
pub(super) struct Scene {
    pub(super) link: Link,
    pub(super) poser: Poser,
    pub(super) writer: Client,
    pub(super) alice: Client,
}

impl Scene {
    /// With the accounts acknowledged.
    pub(super) async fn on(link: Link) -> Result<Self> {
        let (writer, alice) = (link.client("writer").await?, link.sleeper("alice").await?);
        let poser = link.attached("first").await?;
        acknowledges_all(&poser).await?;
        Ok(Self {
            link,
            poser,
            writer,
            alice,
        })
    }

    pub(super) async fn shared() -> Result<Self> {
        Self::on(Link::shared().await?).await
    }

    pub(super) async fn with(server: &Ejabberd) -> Result<Self> {
        Self::on(Link::on(server.into())).await
    }

    /// A message that this user misses; returns the number of its event.
    pub(super) async fn misses(&self, jid: &str, text: &str) -> Result<String> {
        self.writer.session.chat(jid, text).await?;
        let body = format!("{text}</body>");
        let is = |stanza: &&String| stanza.contains("<event") && stanza.contains(&body);
        let told = |heard: &[String]| heard.iter().any(|stanza| is(&stanza));
        let heard = self.poser.component.hears_until(told).await?;
        let event = heard.iter().rfind(is).map_or("", String::as_str);
        Ok(attribute(event, "n").unwrap_or_default().to_owned())
    }

    /// The service defers this event for these recipients.
    pub(super) fn defers(&self, number: &str, recipients: &str) -> Result<()> {
        let tag = format!("defer session='first' n='{number}'");
        self.poser.says(&tag, recipients)
    }

    /// A message that alice misses and the service defers, for her phone.
    pub(super) async fn waits(&self, text: &str) -> Result<String> {
        let number = self.misses(&self.alice.jid, text).await?;
        self.defers(&number, &recipient("a", "phone"))?;
        self.poser.settled().await?;
        Ok(number)
    }

    pub(super) fn resumes(&self, numbers: &str) -> Result<()> {
        self.poser.says("resume session='first'", numbers)
    }

    pub(super) async fn hears_again(&self, count: usize) -> Result<Vec<String>> {
        let enough = |heard: &[String]| again(heard).len() >= count;
        self.poser.component.hears_until(enough).await
    }

    /// Waits until it was withdrawn exactly this, in this order.
    pub(super) async fn hears_withdrawn(&self, numbers: &[&str]) -> Result<()> {
        let enough = |heard: &[String]| withdrawn(heard) == numbers;
        self.poser.component.hears_until(enough).await.map(drop)
    }

    /// The events that were deferred and told again, once all that was said is dealt with.
    pub(super) async fn told_again(&self) -> Result<usize> {
        self.poser.settled().await?;
        Ok(again(&self.poser.component.heard()).len())
    }
}
