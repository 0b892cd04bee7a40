//! Clients that sign up and enable push without the library of the puppets: of these there can be thousands.

use std::net::Ipv4Addr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::slot::PASSWORD;
use super::{Context as _, Failure, Result};

/// How long the server may take for one answer: longer than an adapter waits for the service.
const PATIENCE: Duration = Duration::from_secs(40);

/// The end of an answer to a request.
const END_OF_IQ: [&str; 2] = ["</iq>", "/>"];

/// A stream on which one request is made at a time.
#[derive(Debug)]
pub struct Newcomer {
    host: String,
    stream: TcpStream,
}

impl Newcomer {
    /// Opens a stream to `host` at a port of loopback.
    ///
    /// # Errors
    /// As all methods here: the server refuses, does not answer, or ends the stream; its last words are shown.
    pub async fn connect(host: &str, port: u16) -> Result<Self> {
        let mut newcomer = Self {
            host: host.to_owned(),
            stream: TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?,
        };
        newcomer.open().await?;
        Ok(newcomer)
    }

    /// Makes an account (XEP-0077). There may be several on one stream, before somebody logs in.
    ///
    /// # Errors
    /// As [`Newcomer::connect`].
    pub async fn register(&mut self, jid: &str) -> Result<()> {
        let user = local(jid);
        let query = format!(
            "<query xmlns='jabber:iq:register'><username>{user}</username><password>{PASSWORD}</password></query>"
        );
        succeeded(&self.request(user, &query).await?)
    }

    /// Logs in and binds the resource `phone`.
    ///
    /// # Errors
    /// As [`Newcomer::connect`].
    pub async fn log_in(&mut self, jid: &str) -> Result<()> {
        let credentials = STANDARD.encode(format!("\0{}\0{PASSWORD}", local(jid)));
        let auth = format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{credentials}</auth>"
        );
        self.exchange(&auth, "<success", &[">"]).await?;
        self.open().await?;
        let bind =
            "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>phone</resource></bind>";
        succeeded(&self.request("bind", bind).await?)
    }

    /// Enables push. Returns whether that was acknowledged; if not, the service is away for now.
    ///
    /// # Errors
    /// As [`Newcomer::connect`].
    pub async fn enable(&mut self, service: &str, node: &str) -> Result<bool> {
        let answer = self.request("enable", &enabling(service, node)).await?;
        if answer.contains("service-unavailable") {
            return Ok(false);
        }
        succeeded(&answer)?;
        Ok(true)
    }

    /// Disables push.
    ///
    /// # Errors
    /// As [`Newcomer::connect`].
    pub async fn disable(&mut self, service: &str) -> Result<()> {
        let disabling = format!("<disable xmlns='urn:xmpp:push:0' jid='{service}'/>");
        succeeded(&self.request("disable", &disabling).await?)
    }

    /// Becomes available.
    ///
    /// # Errors
    /// As [`Newcomer::connect`].
    pub async fn available(&mut self) -> Result<()> {
        self.stream.write_all(b"<presence/>").await?;
        self.settled().await
    }

    /// Asks to enable push, and does not wait for the answer.
    ///
    /// # Errors
    /// The stream has ended.
    pub async fn ask(&mut self, service: &str, node: &str) -> Result<()> {
        let request = format!("<iq type='set' id='asked'>{}</iq>", enabling(service, node));
        Ok(self.stream.write_all(request.as_bytes()).await?)
    }

    /// Waits until the server has dealt with all that was sent before.
    ///
    /// # Errors
    /// As [`Newcomer::connect`].
    pub async fn settled(&mut self) -> Result<()> {
        let ping = "<iq type='get' id='settled'><ping xmlns='urn:xmpp:ping'/></iq>";
        self.exchange(ping, "settled", &END_OF_IQ).await.map(drop)
    }

    /// Sends a chat message.
    ///
    /// # Errors
    /// The stream has ended.
    pub async fn chat(&mut self, to: &str, body: &str) -> Result<()> {
        let message = format!("<message to='{to}' type='chat'><body>{body}</body></message>");
        Ok(self.stream.write_all(message.as_bytes()).await?)
    }

    /// Closes the stream, and waits until the server has closed the connection: the session is gone.
    ///
    /// # Errors
    /// It does not in time.
    pub async fn leave(mut self) -> Result<()> {
        self.stream.write_all(b"</stream:stream>").await?;
        let mut rest = Vec::new();
        let closed = timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await;
        closed.context("the connection stays open")?.map(drop)?;
        Ok(())
    }

    async fn open(&mut self) -> Result<()> {
        let header = format!(
            "<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
             xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='{}'>",
            self.host
        );
        let end = "</stream:features>";
        self.exchange(&header, end, &[end]).await.map(drop)
    }

    async fn request(&mut self, id: &str, payload: &str) -> Result<String> {
        let iq = format!("<iq type='set' id='{id}'>{payload}</iq>");
        self.exchange(&iq, id, &END_OF_IQ).await
    }

    /// Sends something and reads until the answer holds `word` and ends with one of `ends`.
    async fn exchange(&mut self, something: &str, word: &str, ends: &[&str]) -> Result<String> {
        self.stream.write_all(something.as_bytes()).await?;
        let answer = timeout(PATIENCE, self.read(word, ends)).await;
        answer.context(format!("no {word}"))?
    }

    async fn read(&mut self, word: &str, ends: &[&str]) -> Result<String> {
        let mut bytes = Vec::new();
        loop {
            let count = self.stream.read_buf(&mut bytes).await?;
            let text = String::from_utf8_lossy(&bytes);
            if text.contains(word) && ends.iter().any(|end| text.ends_with(end)) {
                return Ok(text.into_owned());
            }
            if count == 0 {
                return Err(Failure::new(format!("the stream ended: {text}")));
            }
        }
    }
}

fn local(jid: &str) -> &str {
    jid.split('@').next().unwrap_or_default()
}

fn enabling(service: &str, node: &str) -> String {
    format!("<enable xmlns='urn:xmpp:push:0' jid='{service}' node='{node}'/>")
}

fn succeeded(answer: &str) -> Result<()> {
    if answer.contains("<error") {
        return Err(Failure::new(format!("refused: {answer}")));
    }
    Ok(())
}
