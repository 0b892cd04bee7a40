//! What most tests need: a slot of a shared server, the service, a push service, and clients.

use std::time::Duration;

use push_core::xep::pubsub::PUBLISH_OPTIONS;

use super::ejabberd::Ejabberd;
use super::prosody::Prosody;
use super::proxy::Proxy;
use super::puppet::{Login, Puppet, PushRequest, Session};
use super::push_service::PushService;
use super::service::{Service, ServiceConfig};
use super::slot::{Lease, Slot};
use super::{Failure, Result};

/// Where a shared server listens.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// Clients.
    pub c2s: u16,
    /// Our component.
    pub component: u16,
    /// Push services.
    pub push_service: u16,
}

impl From<&Prosody> for Ports {
    fn from(server: &Prosody) -> Self {
        let ports = server.ports();
        Self {
            c2s: ports.c2s,
            component: ports.component,
            push_service: ports.component,
        }
    }
}

impl From<&Ejabberd> for Ports {
    fn from(server: &Ejabberd) -> Self {
        let ports = server.ports();
        Self {
            c2s: ports.c2s,
            component: ports.component,
            push_service: ports.push_service,
        }
    }
}

/// How a service is started on a stage.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// The end of its configuration.
    pub config: &'static str,
    /// What it logs when it is ready.
    pub ready: &'static str,
    /// Whether it logs all it can.
    pub trace: bool,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            config: "",
            ready: "adapter attached",
            trace: false,
        }
    }
}

/// A slot in use.
#[derive(Debug)]
pub struct Stage {
    /// Where the server listens.
    pub ports: Ports,
    /// The binary under test.
    pub service: Service,
    /// Its push service.
    pub push: PushService,
    slot: Slot,
    /// Given back when the stage is dropped.
    lease: Option<Lease>,
}

impl Stage {
    /// Connects a push service and starts the binary on a leased slot.
    ///
    /// # Errors
    /// One of them does not come up.
    pub async fn set(lease: Lease, ports: Ports, script: Script) -> Result<Self> {
        let level = if script.trace { "trace" } else { "debug" };
        let config = ServiceConfig {
            more: format!("{}\n[log]\nlevel = {level:?}\n", script.config),
            ready: script.ready,
            ..ServiceConfig::new(&[lease.slot], ports.component)
        };
        Self::with(lease, ports, &config).await
    }

    /// The same, with this service.
    ///
    /// # Errors
    /// One of them does not come up.
    pub async fn with(lease: Lease, ports: Ports, config: &ServiceConfig) -> Result<Self> {
        let push = PushService::connect(&lease.slot.push_service(), ports.push_service).await?;
        let service = Service::start(config).await?;
        let mut stage = Self::assemble(lease.slot, ports, service, push);
        stage.lease = Some(lease);
        Ok(stage)
    }

    /// A stage of parts a test has started itself.
    #[must_use]
    pub fn assemble(slot: Slot, ports: Ports, service: Service, push: PushService) -> Self {
        Self {
            ports,
            service,
            push,
            slot,
            lease: None,
        }
    }

    /// The same stage, its users on another host.
    #[must_use]
    pub fn on(self, slot: Slot) -> Self {
        Self { slot, ..self }
    }

    /// The slot's names.
    #[must_use]
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// A chat room that no other test has.
    #[must_use]
    pub fn room(&self) -> String {
        let name = self.slot.user("room");
        name.replace(&self.slot.host(), &self.slot.rooms())
    }

    /// Somebody who writes: registered, available, not registered for push.
    ///
    /// # Errors
    /// The server does not let them in.
    pub async fn writer(&self) -> Result<Client> {
        self.client("writer", "desk").await?.available().await
    }

    /// A new user with one session, not available yet.
    ///
    /// # Errors
    /// The server does not let them in.
    pub async fn client(&self, name: &str, resource: &str) -> Result<Client> {
        Client::registering(&self.slot.user(name), resource, self.ports.c2s).await
    }

    /// One more session of a user, in a process of its own.
    ///
    /// # Errors
    /// The server does not let them in.
    pub async fn another(&self, of: &Client, resource: &str) -> Result<Client> {
        Client::connecting(&of.jid, resource, self.ports.c2s).await
    }

    /// An available user whose device has enabled `node` at the push service, with options.
    ///
    /// # Errors
    /// Something of it fails.
    pub async fn registered(&self, name: &str, node: &str) -> Result<Client> {
        let client = self.client(name, "phone").await?.available().await?;
        client.enable(self, node).await?;
        Ok(client)
    }

    /// A user as [`Stage::registered`] who then leaves in order.
    ///
    /// # Errors
    /// Something of it fails.
    pub async fn sleeper(&self, name: &str, node: &str) -> Result<Client> {
        let client = self.registered(name, node).await?;
        client.session.close().await?;
        client.session.lost().await?;
        Ok(client)
    }
}

/// The options every client of the tests enables with.
pub const OPTIONS: &[(&str, &str)] = &[
    ("secret", "eruio234vzxc2kla-91"),
    ("a", " <&\"'> \u{1F600}"),
];

/// A client with a process and a connection of its own, both of which can be stopped.
#[derive(Debug)]
pub struct Client {
    /// The user's bare JID.
    pub jid: String,
    /// The session's resource.
    pub resource: String,
    /// The process.
    pub puppet: Puppet,
    /// The session.
    pub session: Session,
    /// The connection.
    pub proxy: Proxy,
}

impl Client {
    /// A new account's first session, at a server's port.
    ///
    /// # Errors
    /// The server does not let it in.
    pub async fn registering(jid: &str, resource: &str, port: u16) -> Result<Self> {
        let register = true;
        Self::connect(jid, resource, port, register).await
    }

    /// A session of a user whose account is there, or need not be.
    ///
    /// # Errors
    /// The server does not let it in.
    pub async fn connecting(jid: &str, resource: &str, port: u16) -> Result<Self> {
        let register = false;
        Self::connect(jid, resource, port, register).await
    }

    async fn connect(jid: &str, resource: &str, port: u16, register: bool) -> Result<Self> {
        let proxy = Proxy::start(port).await?;
        let puppet = Puppet::start()?;
        let session = puppet.session(resource);
        let login = Login {
            register,
            ..Login::new(jid, resource, proxy.port())
        };
        session.connect(&login).await?;
        Ok(Self {
            jid: jid.to_owned(),
            resource: resource.to_owned(),
            puppet,
            session,
            proxy,
        })
    }

    /// The same client, available.
    ///
    /// # Errors
    /// It is not connected.
    pub async fn available(self) -> Result<Self> {
        self.session.available(1).await?;
        Ok(self)
    }

    /// Enables push at the stage's push service.
    ///
    /// # Errors
    /// It is refused.
    pub async fn enable(&self, stage: &Stage, node: &str) -> Result<()> {
        self.enable_at(stage.push.jid(), node).await
    }

    /// Enables push at any push service.
    ///
    /// # Errors
    /// It is refused.
    pub async fn enable_at(&self, service: &str, node: &str) -> Result<()> {
        let mut fields = vec![("FORM_TYPE", PUBLISH_OPTIONS)];
        fields.extend(OPTIONS);
        let request = PushRequest {
            service: Some(service),
            node: Some(node),
            fields: Some(&fields),
            ..PushRequest::default()
        };
        Ok(self.session.enable(&request).await?)
    }

    /// Asks to enable push, and is told to wait because the service or its store is away.
    ///
    /// # Errors
    /// Anything else comes of it.
    pub async fn is_told_to_wait(&self, stage: &Stage) -> Result<()> {
        match self.enable(stage, "refused").await {
            Err(refused) if refused.to_string().starts_with("wait/service-unavailable") => Ok(()),
            other => Err(Failure::new(format!("not told to wait, but: {other:?}"))),
        }
    }

    /// Waits until the server has dealt with what this client sent: a round trip, and a moment for what it left behind.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn settled(&self) -> Result<()> {
        self.session.features(None).await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        Ok(())
    }

    /// Loses the connection and cannot have another: the session waits for resumption.
    pub async fn hibernates(&self) {
        self.proxy.refuse(true);
        self.proxy.cut();
        // The server sees the reset when it next looks at its sockets.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }

    /// Stands still, so that it acknowledges nothing, is sent `text` by `writer`, and hibernates.
    ///
    /// # Errors
    /// The server does not send the text.
    pub async fn loses(&self, writer: &Self, text: &str) -> Result<()> {
        self.puppet.process().stop()?;
        let before = self.proxy.bytes_to_client();
        writer.session.chat(&self.jid, text).await?;
        self.proxy.delivers_more_than(before).await?;
        self.hibernates().await;
        Ok(())
    }

    /// Logs in again with the same resource, through a connection of its own.
    ///
    /// # Errors
    /// The server does not let it in.
    pub async fn back(&self) -> Result<()> {
        self.session
            .connect(&Login::new(&self.jid, &self.resource, self.proxy.port()))
            .await?;
        self.session.available(1).await?;
        Ok(())
    }
}
