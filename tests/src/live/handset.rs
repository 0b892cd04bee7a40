//! A client that manages its stream by hand (XEP-0198): it acknowledges when it is told to, and not before.

use std::net::Ipv4Addr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use push_core::xml::Stanza;
use push_transport_xmpp::{Decoder, Incoming, Limits};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::slot::PASSWORD;
use super::{Context as _, Failure, Result};

/// How long the server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(20);

const SM: &str = "urn:xmpp:sm:3";

/// The features of a session.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// It can be resumed.
    pub resumable: bool,
    /// It gets carbons (XEP-0280).
    pub carbons: bool,
    /// It becomes available at once.
    pub available: bool,
}

/// One session of an account, or the hope to resume it.
#[derive(Debug)]
pub struct Handset {
    jid: String,
    resource: String,
    port: u16,
    wire: Option<Wire>,
    /// The id by which the stream can be resumed.
    id: Option<String>,
    /// Whether stanzas are counted.
    is_managed: bool,
    seen: u32,
    acknowledged: u32,
}

#[derive(Debug)]
struct Wire {
    socket: TcpStream,
    decoder: Decoder,
}

impl Handset {
    /// Logs in and acknowledges what has come until then; may become available.
    ///
    /// # Errors
    /// As all methods here: the server refuses, does not answer, or ends the stream.
    pub async fn connect(jid: &str, resource: &str, port: u16, habits: Habits) -> Result<Self> {
        let mut handset = Self {
            jid: jid.to_owned(),
            resource: resource.to_owned(),
            port,
            wire: None,
            id: None,
            is_managed: false,
            seen: 0,
            acknowledged: 0,
        };
        handset.log_in().await?;
        handset.bind().await?;
        handset.manage(habits.resumable).await?;
        if habits.carbons {
            handset
                .request("carbons", "<enable xmlns='urn:xmpp:carbons:2'/>")
                .await?;
        }
        handset.acknowledge().await?;
        if habits.available {
            handset.become_available().await?;
        }
        Ok(handset)
    }

    /// Becomes available.
    ///
    /// # Errors
    /// As [`Handset::connect`].
    pub async fn become_available(&mut self) -> Result<()> {
        let presence = "<presence><priority>1</priority></presence>";
        self.say(presence).await?;
        self.settled().await
    }

    /// Returns the user's bare JID.
    #[must_use]
    pub fn jid(&self) -> &str {
        &self.jid
    }

    /// Sends a chat message whose text and id are `word`.
    ///
    /// # Errors
    /// As [`Handset::connect`].
    pub async fn write(&mut self, to: &str, word: &str) -> Result<()> {
        self.say(&format!(
            "<message to='{to}' type='chat' id='{word}'><body>{word}</body></message>"
        ))
        .await?;
        self.settled().await
    }

    /// Loses the connection without a word.
    pub fn lose(&mut self) {
        self.wire = None;
    }

    /// Resumes the stream, having acknowledged nothing more than before.
    ///
    /// # Errors
    /// As [`Handset::connect`].
    pub async fn resume(&mut self) -> Result<()> {
        let id = self
            .id
            .clone()
            .ok_or_else(|| Failure::new("it cannot be resumed"))?;
        self.is_managed = false;
        self.log_in().await?;
        let h = self.acknowledged;
        self.say(&format!("<resume xmlns='{SM}' h='{h}' previd='{id}'/>"))
            .await?;
        self.until("resumed", |_| true).await?;
        self.is_managed = true;
        self.seen = self.acknowledged;
        self.settled().await
    }

    /// Acknowledges all that has come.
    ///
    /// # Errors
    /// As [`Handset::connect`].
    pub async fn acknowledge(&mut self) -> Result<()> {
        self.settled().await?;
        self.acknowledged = self.seen;
        self.say(&format!("<a xmlns='{SM}' h='{}'/>", self.seen))
            .await?;
        self.settled().await
    }

    /// Acknowledges all and ends the stream in order.
    ///
    /// # Errors
    /// As [`Handset::connect`].
    pub async fn leave(&mut self) -> Result<()> {
        self.acknowledge().await?;
        self.say("</stream:stream>").await?;
        let ended = timeout(PATIENCE, async { while self.next().await.is_ok() {} });
        ended.await.context("the stream does not end")?;
        self.wire = None;
        Ok(())
    }

    /// Waits until the server has dealt with all that was sent before.
    async fn settled(&mut self) -> Result<()> {
        let ping = "<ping xmlns='urn:xmpp:ping'/>";
        self.say(&format!("<iq type='get' id='settled'>{ping}</iq>"))
            .await?;
        self.until("iq", |iq| iq.root().attribute("id") == Some("settled"))
            .await
            .map(drop)
    }

    async fn log_in(&mut self) -> Result<()> {
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        self.wire = Some(Wire {
            socket,
            decoder: Decoder::new(Limits::default()),
        });
        self.open().await?;
        let user = self.jid.split('@').next().unwrap_or_default();
        let credentials = STANDARD.encode(format!("\0{user}\0{PASSWORD}"));
        self.say(&format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{credentials}</auth>"
        ))
        .await?;
        self.until("success", |_| true).await?;
        self.wire()?.decoder = Decoder::new(Limits::default());
        self.open().await
    }

    async fn bind(&mut self) -> Result<()> {
        let resource = &self.resource;
        let bind = format!(
            "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>{resource}</resource></bind>"
        );
        self.request("bind", &bind).await
    }

    async fn manage(&mut self, is_resumable: bool) -> Result<()> {
        self.say(&format!("<enable xmlns='{SM}' resume='{is_resumable}'/>"))
            .await?;
        let enabled = self.until("enabled", |_| true).await?;
        self.id = enabled
            .root()
            .attribute("id")
            .map(str::to_owned)
            .filter(|_| is_resumable);
        self.is_managed = true;
        Ok(())
    }

    async fn open(&mut self) -> Result<()> {
        let host = self.jid.split('@').nth(1).unwrap_or_default();
        let header = format!(
            "<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
             xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='{host}'>"
        );
        self.say(&header).await?;
        self.until("features", |_| true).await.map(drop)
    }

    async fn request(&mut self, id: &str, payload: &str) -> Result<()> {
        self.say(&format!("<iq type='set' id='{id}'>{payload}</iq>"))
            .await?;
        let answer = self
            .until("iq", |iq| iq.root().attribute("id") == Some(id))
            .await?;
        match answer.root().attribute("type") {
            Some("result") => Ok(()),
            _ => Err(Failure::new(format!("refused: {}", answer.root().source()))),
        }
    }

    async fn say(&mut self, text: &str) -> Result<()> {
        Ok(self.wire()?.socket.write_all(text.as_bytes()).await?)
    }

    /// Reads until there is an element of this name that `is_it`.
    async fn until(&mut self, name: &str, is_it: impl Fn(&Stanza) -> bool) -> Result<Stanza> {
        let reading = async {
            loop {
                let stanza = self.next().await?;
                if stanza.root().name() == name && is_it(&stanza) {
                    return Ok(stanza);
                }
            }
        };
        timeout(PATIENCE, reading)
            .await
            .context(format!("no {name}"))?
    }

    async fn next(&mut self) -> Result<Stanza> {
        let stanza = self.wire()?.next().await?;
        let is_counted = matches!(stanza.root().name(), "message" | "presence" | "iq");
        self.seen += u32::from(self.is_managed && is_counted);
        Ok(stanza)
    }

    fn wire(&mut self) -> Result<&mut Wire> {
        self.wire
            .as_mut()
            .ok_or_else(|| Failure::new("it is not connected"))
    }
}

impl Wire {
    async fn next(&mut self) -> Result<Stanza> {
        loop {
            match self.decoder.next_incoming().context("not well-formed")? {
                Some(Incoming::Stanza(stanza)) => return Ok(stanza),
                Some(Incoming::Close) => return Err(Failure::new("the stream has ended")),
                Some(Incoming::Header(_) | Incoming::Skipped(_)) => {}
                None => self.read().await?,
            }
        }
    }

    async fn read(&mut self) -> Result<()> {
        let mut bytes = [0; 4096];
        match self.socket.read(&mut bytes).await? {
            0 => Err(Failure::new("the connection has ended")),
            count => {
                self.decoder.push(&bytes[..count]);
                Ok(())
            }
        }
    }
}
