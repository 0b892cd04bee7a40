//! A server's end of the stream, played by the test.

use super::HEADER;
use push_core::BareJid;
use push_core::transport::{DownReason, StreamEvent, Transport};
use push_core::xml::{ElementSink, Namespace, WriteXml};
use push_transport_xmpp::{Decoder, Incoming, Limits, Stream, StreamConfig};
use sha1::{Digest, Sha1};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

pub(crate) const COMPONENT: &str = "push.example.test";
pub(crate) const SECRET: &str = "xyzzy";
/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    listener: TcpListener,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener }
    }

    pub(crate) fn address(&self) -> String {
        self.listener.local_addr().unwrap().to_string()
    }

    /// Settings for a component of this server: everything goes fast.
    pub(crate) fn config(&self) -> StreamConfig {
        config(self.address())
    }

    pub(crate) async fn accept(&self) -> Peer {
        let (socket, _) = timeout(PATIENCE, self.listener.accept())
            .await
            .expect("a connection")
            .unwrap();
        Peer {
            socket,
            decoder: Decoder::new(Limits::default()),
        }
    }

    /// Accepts and authenticates.
    pub(crate) async fn accept_stream(&self) -> Peer {
        let mut peer = self.accept().await;
        peer.shake_hands().await;
        peer.send("<handshake/>").await;
        peer
    }
}

pub(crate) fn config(address: String) -> StreamConfig {
    let mut config = StreamConfig::new(BareJid::new(COMPONENT).unwrap(), address, SECRET);
    // A machine under load may stop a test for seconds.
    config.timeouts.handshake = PATIENCE;
    config.backoff.first = Duration::from_millis(5);
    config.backoff.max = Duration::from_millis(20);
    config.backoff.refused = Duration::from_millis(200);
    config.backoff.conflict = Duration::from_millis(100);
    config
}

pub(crate) struct Peer {
    pub(crate) socket: TcpStream,
    decoder: Decoder,
}

impl Peer {
    /// Exchanges headers and checks the digest.
    pub(crate) async fn shake_hands(&mut self) {
        let Incoming::Header(header) = self.receive().await else {
            panic!("no header");
        };
        assert_eq!(header.root().attribute("to"), Some(COMPONENT));
        self.send(HEADER).await;
        let Incoming::Stanza(handshake) = self.receive().await else {
            panic!("no handshake");
        };
        assert!(handshake.root().is("handshake", Namespace::Component));
        assert_eq!(handshake.root().text(), digest(SECRET));
    }

    pub(crate) async fn send(&mut self, xml: &str) {
        self.socket.write_all(xml.as_bytes()).await.unwrap();
    }

    /// Another end of the same connection, to be written to while this one is read.
    pub(crate) fn twin(self) -> (Self, TcpStream) {
        let socket = self.socket.into_std().unwrap();
        let twin = TcpStream::from_std(socket.try_clone().unwrap()).unwrap();
        let socket = TcpStream::from_std(socket).unwrap();
        (Self { socket, ..self }, twin)
    }

    /// The next thing the component sends; panics when it is gone.
    pub(crate) async fn receive(&mut self) -> Incoming {
        self.try_receive().await.expect("something")
    }

    /// The next thing the component sends; nothing when the connection has ended.
    pub(crate) async fn try_receive(&mut self) -> Option<Incoming> {
        loop {
            if let Some(incoming) = self.decoder.next_incoming().expect("well-formed") {
                return Some(incoming);
            }
            let read = self.socket.read_buf(self.decoder.space(4096));
            match timeout(PATIENCE, read).await.expect("no silence") {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The source of the next stanza.
    pub(crate) async fn stanza(&mut self) -> String {
        match self.receive().await {
            Incoming::Stanza(stanza) => stanza.root().source().to_owned(),
            other => panic!("{other:?}"),
        }
    }
}

/// The digest of XEP-0114 for the id of [`HEADER`].
fn digest(secret: &str) -> String {
    let digest = Sha1::digest(format!("42{secret}"));
    let number = digest.iter().map(|byte| format!("{byte:02x}"));
    number.collect::<Vec<_>>().concat()
}

/// A stream that somebody always waits for, as its contract asks.
pub(crate) struct Component {
    commands: mpsc::UnboundedSender<Command>,
    events: mpsc::UnboundedReceiver<StreamEvent>,
    /// Ends with this value.
    _running: JoinSet<()>,
}

enum Command {
    Say(String, String),
    Flush,
    Close(oneshot::Sender<()>),
}

impl Component {
    pub(crate) fn start(config: StreamConfig) -> Self {
        let (commands, received) = mpsc::unbounded_channel();
        let (told, events) = mpsc::unbounded_channel();
        let mut running = JoinSet::new();
        running.spawn(run(stream(config), received, told));
        Self {
            commands,
            events,
            _running: running,
        }
    }

    pub(crate) async fn next(&mut self) -> StreamEvent {
        let event = timeout(PATIENCE, self.events.recv()).await;
        event.expect("an event").unwrap()
    }

    pub(crate) async fn up(&mut self) {
        assert_eq!(self.next().await, StreamEvent::Up);
    }

    pub(crate) async fn down(&mut self) -> DownReason {
        match self.next().await {
            StreamEvent::Down(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    /// The id of the next stanza.
    pub(crate) async fn id(&mut self) -> String {
        id(&self.next().await)
    }

    pub(crate) fn say(&self, id: &str, body: &str) {
        self.tell(Command::Say(id.to_owned(), body.to_owned()));
    }

    pub(crate) fn flush(&self) {
        self.tell(Command::Flush);
    }

    pub(crate) async fn close(&self) {
        let (closed, waiting) = oneshot::channel();
        self.tell(Command::Close(closed));
        waiting.await.unwrap();
    }

    fn tell(&self, command: Command) {
        assert!(self.commands.send(command).is_ok(), "it runs");
    }
}

async fn run(
    mut stream: Stream,
    mut commands: mpsc::UnboundedReceiver<Command>,
    told: mpsc::UnboundedSender<StreamEvent>,
) {
    let mut events = Vec::new();
    loop {
        tokio::select! {
            () = stream.next(&mut events) => {}
            Some(command) = commands.recv() => match command {
                Command::Say(id, body) => say(&mut stream, &id, &body),
                Command::Flush => stream.flush(),
                Command::Close(closed) => {
                    stream.close().await;
                    closed.send(()).unwrap();
                }
            },
        }
        // The test may have heard enough.
        events.drain(..).for_each(|event| drop(told.send(event)));
    }
}

/// A stream that nobody waits for yet.
pub(crate) fn stream(config: StreamConfig) -> Stream {
    Stream::start(config, [7; 32])
}

/// Queues a message.
pub(crate) fn say(stream: &mut Stream, id: &str, body: &str) {
    stream.send(&Message { id, body });
}

/// What one call of `next` gives.
pub(crate) async fn batch(stream: &mut Stream) -> Vec<StreamEvent> {
    let mut events = Vec::new();
    let next = timeout(PATIENCE, stream.next(&mut events)).await;
    next.expect("an event");
    events
}

/// The id of a stanza.
pub(crate) fn id(event: &StreamEvent) -> String {
    match event {
        StreamEvent::Stanza(stanza) => stanza.root().attribute("id").unwrap_or_default().to_owned(),
        other => panic!("{other:?}"),
    }
}

struct Message<'a> {
    id: &'a str,
    body: &'a str,
}

impl WriteXml for Message<'_> {
    fn write_xml(&self, sink: &mut dyn ElementSink) {
        sink.start("message", Namespace::Component);
        sink.attribute("id", self.id);
        sink.leaf("body", Namespace::Component, self.body);
        sink.end();
    }
}
