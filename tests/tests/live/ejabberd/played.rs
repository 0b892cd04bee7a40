//! A link whose service is played by the test, which sees every stanza of the adapter.

use std::time::Duration;

use push_tests::live::Result;
use push_tests::live::slot::{Lease, Slot};
use push_tests::live::stage::{Client, Ports};

use super::place;
use super::suite::posing::Poser;

/// Where the link is.
pub(super) struct Link {
    pub(super) slot: Slot,
    pub(super) ports: Ports,
    /// Given back with the link.
    _lease: Option<Lease>,
}

impl Link {
    /// On the shared server, without what other tests have left there.
    pub(super) async fn shared() -> Result<Self> {
        let (lease, ports) = place().await?;
        let slot = lease.slot;
        let link = Self {
            slot,
            ports,
            _lease: Some(lease),
        };
        let former = link.attached("first").await?;
        acknowledges_all(&former).await?;
        former.component.disconnect();
        // Until the server has seen that it is gone, it would get a part of what is sent.
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok(link)
    }

    /// On a server of the test's own.
    pub(super) fn on(ports: Ports) -> Self {
        Self {
            slot: Slot::new(0),
            ports,
            _lease: None,
        }
    }

    /// A service that has said hello, and was answered.
    pub(super) async fn attached(&self, session: &str) -> Result<Poser> {
        let poser = Poser::connect(&self.slot.component(), self.slot, self.ports.component).await?;
        poser.says_hello(session, None)?;
        poser.is_answered(session).await?;
        Ok(poser)
    }

    /// A new user, connected.
    pub(super) async fn client(&self, name: &str) -> Result<Client> {
        Client::registering(&self.slot.user(name), "phone", self.ports.c2s).await
    }

    /// A user whose account need not be made, connected.
    pub(super) async fn guest(&self, name: &str) -> Result<Client> {
        Client::connecting(&self.slot.user(name), "phone", self.ports.c2s).await
    }

    /// A new user, who has left.
    pub(super) async fn sleeper(&self, name: &str) -> Result<Client> {
        let client = self.client(name).await?;
        client.session.close().await?;
        client.session.lost().await?;
        Ok(client)
    }
}

/// Has the service acknowledge all that it is told, until that is all.
pub(super) async fn acknowledges_all(poser: &Poser) -> Result<()> {
    let mut before = usize::MAX;
    while poser.heard("<event") != before {
        poser.settled().await?;
        before = poser.heard("<event");
        poser.says("ack session='first'", "1-100000")?;
        poser.settled().await?;
    }
    Ok(())
}

/// An attribute in a stanza: the first of that name.
pub(super) fn attribute<'a>(stanza: &'a str, name: &str) -> Option<&'a str> {
    let start = [format!(" {name}='"), format!(" {name}=\"")]
        .iter()
        .find_map(|start| stanza.find(start.as_str()).map(|at| at + start.len()))?;
    stanza[start..].split(['\'', '"']).next()
}

/// The events of this kind among what was heard.
pub(super) fn events<'a>(heard: &'a [String], kind: &str) -> Vec<&'a str> {
    heard
        .iter()
        .map(String::as_str)
        .filter(|stanza| stanza.contains("<event") && attribute(stanza, "kind") == Some(kind))
        .collect()
}

/// The localpart of a JID.
pub(super) fn user(jid: &str) -> &str {
    jid.split('@').next().unwrap_or_default()
}
