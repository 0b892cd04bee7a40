//! A push service: a component that remembers the notifications it got and answers as it is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use push_core::BareJid;
use push_core::transport::{StreamEvent, Transport as _};
use push_core::xml::{ElementRef, ElementSink, Namespace, Stanza, WriteXml};
use push_transport_xmpp::{Decoder, Incoming, Limits, Stream, StreamConfig};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::slot::SECRET;
use super::{Failure, Result};

/// How long notifications are waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a publish is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// With a result.
    Result,
    /// With an error of this type and condition.
    Error(&'static str, &'static str),
    /// With an error of this type and condition, and a text.
    Explained(&'static str, &'static str, &'static str),
    /// With a result, after this long.
    Late(Duration),
    /// Not at all.
    Nothing,
}

/// A notification, as the push service saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Who published.
    pub from: String,
    /// The node.
    pub node: String,
    /// The fields of the summary, without `FORM_TYPE`.
    pub summary: BTreeMap<String, String>,
    /// The publish options in order, without `FORM_TYPE`.
    pub options: Vec<(String, String)>,
}

impl Notification {
    /// `last-message-body`.
    #[must_use]
    pub fn body(&self) -> &str {
        self.summary
            .get("last-message-body")
            .map_or("", String::as_str)
    }

    /// `message-count`.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.summary
            .get("message-count")
            .and_then(|count| count.parse().ok())
            .unwrap_or_default()
    }
}

/// How many messages notifications stand for, together.
#[must_use]
pub fn total(notifications: &[Notification]) -> u64 {
    notifications.iter().map(Notification::count).sum()
}

/// A connected push service. It ends when dropped.
#[derive(Debug)]
pub struct PushService {
    jid: String,
    got: watch::Receiver<Vec<Notification>>,
    heard: watch::Receiver<Vec<String>>,
    up: watch::Receiver<bool>,
    reply: Arc<Mutex<Reply>>,
    orders: mpsc::UnboundedSender<Order>,
    task: JoinHandle<()>,
}

/// What it sends beside answers that are due at once.
#[derive(Debug)]
enum Order {
    Say(Stanza),
    Answer(Stanza, Reply),
}

impl PushService {
    /// Connects as `jid`; answers with results until told otherwise.
    ///
    /// # Errors
    /// The server does not let it in.
    pub async fn connect(jid: &str, port: u16) -> Result<Self> {
        let component = BareJid::new(jid).map_err(|error| Failure::new(error.to_string()))?;
        let config = StreamConfig::new(component, format!("127.0.0.1:{port}"), SECRET);
        let mut stream = Stream::start(config, [9; 32]);
        wait_until_up(&mut stream).await?;
        let reply = Arc::new(Mutex::new(Reply::Result));
        let (got_sender, got) = watch::channel(Vec::new());
        let (heard_sender, heard) = watch::channel(Vec::new());
        let (up_sender, up) = watch::channel(true);
        let (orders, to_do) = mpsc::unbounded_channel();
        let serving = Serving {
            stream,
            got: got_sender,
            heard: heard_sender,
            up: up_sender,
            reply: reply.clone(),
            orders: orders.clone(),
        };
        Ok(Self {
            jid: jid.to_owned(),
            got,
            heard,
            up,
            reply,
            orders,
            task: tokio::spawn(serving.run(to_do)),
        })
    }

    /// Its JID.
    #[must_use]
    pub fn jid(&self) -> &str {
        &self.jid
    }

    /// How it answers from now on.
    pub fn answer(&self, reply: Reply) {
        *self.reply.lock().unwrap_or_else(PoisonError::into_inner) = reply;
    }

    /// Sends any stanza, as XML.
    ///
    /// # Errors
    /// This is no stanza.
    pub fn say(&self, xml: &str) -> Result<()> {
        let stanza = parsed(xml).ok_or_else(|| Failure::new(format!("no stanza: {xml}")))?;
        self.orders
            .send(Order::Say(stanza))
            .map_err(|_| Failure::new("the push service has left"))
    }

    /// Every stanza it was sent that is no notification, as XML.
    #[must_use]
    pub fn heard(&self) -> Vec<String> {
        self.heard.borrow().clone()
    }

    /// Waits until it was sent `count` stanzas that are no notifications.
    ///
    /// # Errors
    /// They do not come in time.
    pub async fn hears(&self, count: usize) -> Result<Vec<String>> {
        self.hears_until(|heard| heard.len() >= count).await
    }

    /// Waits until all that it was sent beside notifications is `enough`.
    ///
    /// # Errors
    /// It is not in time.
    pub async fn hears_until(&self, enough: impl Fn(&[String]) -> bool) -> Result<Vec<String>> {
        let mut heard = self.heard.clone();
        match timeout(PATIENCE, heard.wait_for(|heard| enough(heard))).await {
            Ok(Ok(heard)) => Ok(heard.clone()),
            _ => Err(Failure::new(format!(
                "not what is waited for in {:#?}",
                self.heard()
            ))),
        }
    }

    /// Waits until it is connected, again after a restart of the server.
    ///
    /// # Errors
    /// It is not in time.
    pub async fn connected(&self) -> Result<()> {
        let up = timeout(PATIENCE, self.up.clone().wait_for(|up| *up))
            .await
            .is_ok_and(|up| up.is_ok());
        if up {
            Ok(())
        } else {
            Err(Failure::new(
                "the push service's component does not connect",
            ))
        }
    }

    /// Leaves: its domain is not there any more.
    pub fn disconnect(&self) {
        self.task.abort();
    }

    /// Everything it got so far.
    #[must_use]
    pub fn got(&self) -> Vec<Notification> {
        self.got.borrow().clone()
    }

    /// Waits until it has got `count` notifications in all; returns them.
    ///
    /// # Errors
    /// They do not come in time, or more come.
    pub async fn receives(&self, count: usize) -> Result<Vec<Notification>> {
        let got = self.receives_at_least(count).await?;
        if got.len() > count {
            return Err(Failure::new(format!(
                "{} notifications in place of {count}: {got:#?}",
                got.len()
            )));
        }
        Ok(got)
    }

    /// Waits until it has got `count` notifications or more.
    ///
    /// # Errors
    /// They do not come in time.
    pub async fn receives_at_least(&self, count: usize) -> Result<Vec<Notification>> {
        self.receives_until(|got| got.len() >= count).await
    }

    /// Waits until all that it has got is `enough`.
    ///
    /// # Errors
    /// It is not in time.
    pub async fn receives_until(
        &self,
        enough: impl Fn(&[Notification]) -> bool,
    ) -> Result<Vec<Notification>> {
        let mut got = self.got.clone();
        match timeout(PATIENCE, got.wait_for(|got| enough(got))).await {
            Ok(Ok(got)) => Ok(got.clone()),
            _ => Err(Failure::new(format!(
                "not what is waited for in {:#?}",
                self.got()
            ))),
        }
    }

    /// Sees that it still has exactly `count` notifications after a while: nothing more is on the way.
    ///
    /// # Errors
    /// There are others.
    pub async fn stays_at(&self, count: usize) -> Result<()> {
        tokio::time::sleep(Duration::from_millis(1200)).await;
        let got = self.got();
        if got.len() == count {
            return Ok(());
        }
        Err(Failure::new(format!(
            "{} notifications in place of {count}: {got:#?}",
            got.len()
        )))
    }
}

impl Drop for PushService {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn wait_until_up(stream: &mut Stream) -> Result<()> {
    let mut events = Vec::new();
    let up = async {
        while !events.contains(&StreamEvent::Up) {
            stream.next(&mut events).await;
        }
    };
    timeout(PATIENCE, up)
        .await
        .map_err(|_| Failure::new("the push service's component does not connect"))
}

/// A stanza as it would come on a component's stream.
fn parsed(xml: &str) -> Option<Stanza> {
    let mut decoder = Decoder::new(Limits::default());
    decoder.push(b"<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'>");
    decoder.push(xml.as_bytes());
    let header = decoder.next_incoming();
    match decoder.next_incoming() {
        Ok(Some(Incoming::Stanza(stanza))) if header.is_ok() => Some(stanza),
        _ => None,
    }
}

/// What runs while it is connected.
struct Serving {
    stream: Stream,
    got: watch::Sender<Vec<Notification>>,
    heard: watch::Sender<Vec<String>>,
    up: watch::Sender<bool>,
    reply: Arc<Mutex<Reply>>,
    orders: mpsc::UnboundedSender<Order>,
}

impl Serving {
    async fn run(mut self, mut to_do: mpsc::UnboundedReceiver<Order>) {
        let mut events = Vec::new();
        loop {
            tokio::select! {
                () = self.stream.next(&mut events) => {}
                Some(order) = to_do.recv() => self.carry_out(&order),
            }
            for event in events.drain(..) {
                match event {
                    StreamEvent::Stanza(stanza) => self.take(stanza),
                    event => drop(self.up.send_replace(event == StreamEvent::Up)),
                }
            }
            self.stream.flush();
        }
    }

    fn carry_out(&mut self, order: &Order) {
        match order {
            Order::Say(stanza) => self.stream.send(&stanza.root()),
            Order::Answer(stanza, reply) => self.stream.send(&Answer {
                iq: stanza.root(),
                reply: *reply,
            }),
        }
    }

    fn take(&mut self, stanza: Stanza) {
        let Some(notification) = notification(stanza.root()) else {
            let source = stanza.root().source().to_owned();
            return self.heard.send_modify(|heard| heard.push(source));
        };
        let reply = *self.reply.lock().unwrap_or_else(PoisonError::into_inner);
        self.answer(stanza, reply);
        self.got.send_modify(|got| got.push(notification));
    }

    fn answer(&mut self, stanza: Stanza, reply: Reply) {
        match reply {
            Reply::Nothing => {}
            Reply::Late(delay) => {
                let orders = self.orders.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    // The push service may have left meanwhile.
                    drop(orders.send(Order::Answer(stanza, Reply::Result)));
                });
            }
            Reply::Result | Reply::Error(..) | Reply::Explained(..) => {
                self.carry_out(&Order::Answer(stanza, reply))
            }
        }
    }
}

fn notification(iq: ElementRef<'_>) -> Option<Notification> {
    let pubsub = iq.child("pubsub", Namespace::Pubsub)?;
    let publish = pubsub.child("publish", Namespace::Pubsub)?;
    let item = publish.child("item", Namespace::Pubsub)?;
    let summary = item.child("notification", Namespace::Push)?;
    let options = pubsub.child("publish-options", Namespace::Pubsub);
    Some(Notification {
        from: iq.attribute("from")?.to_owned(),
        node: publish.attribute("node")?.to_owned(),
        summary: fields(summary).into_iter().collect(),
        options: options.map(fields).unwrap_or_default(),
    })
}

fn fields(parent: ElementRef<'_>) -> Vec<(String, String)> {
    let Some(form) = parent.child("x", Namespace::DataForms) else {
        return Vec::new();
    };
    let field = |field: ElementRef<'_>| {
        let value = field.child("value", Namespace::DataForms)?;
        Some((
            field.attribute("var")?.to_owned(),
            value.text().into_owned(),
        ))
    };
    form.children()
        .filter_map(field)
        .filter(|(var, _)| var != "FORM_TYPE")
        .collect()
}

struct Answer<'a> {
    iq: ElementRef<'a>,
    reply: Reply,
}

impl WriteXml for Answer<'_> {
    fn write_xml(&self, sink: &mut dyn ElementSink) {
        sink.start("iq", Namespace::Component);
        sink.optional("from", self.iq.attribute("to"));
        sink.optional("to", self.iq.attribute("from"));
        sink.optional("id", self.iq.attribute("id"));
        let (kind, condition, text) = match self.reply {
            Reply::Error(kind, condition) => (kind, condition, ""),
            Reply::Explained(kind, condition, text) => (kind, condition, text),
            _ => {
                sink.attribute("type", "result");
                return sink.end();
            }
        };
        sink.attribute("type", "error");
        sink.start("error", Namespace::Component);
        sink.attribute("type", kind);
        sink.start(condition, Namespace::StanzaErrors);
        sink.end();
        if !text.is_empty() {
            sink.start("text", Namespace::StanzaErrors);
            sink.text(text);
            sink.end();
        }
        sink.end();
        sink.end();
    }
}
