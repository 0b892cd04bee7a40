//! A push service: a component that remembers the notifications it got and answers as it is told.

mod answer;
mod manner;
mod notification;
mod serving;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use push_core::BareJid;
use push_core::xml::Stanza;
use push_transport_xmpp::{Decoder, Incoming, Limits, StreamConfig};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub use answer::Reply;
use manner::Manner;
pub use notification::{Notification, told, total};
use serving::{Order, Serving};

use super::slot::SECRET;
use super::{Failure, Result};

/// How long notifications are waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connected push service. It ends when dropped.
#[derive(Debug)]
pub struct PushService {
    jid: String,
    got: watch::Receiver<Vec<Notification>>,
    heard: watch::Receiver<Vec<String>>,
    up: watch::Receiver<bool>,
    manner: Arc<Mutex<Manner>>,
    orders: mpsc::UnboundedSender<Order>,
    task: JoinHandle<()>,
}

impl PushService {
    /// Connects as `jid`; answers with results until told otherwise.
    ///
    /// # Errors
    /// The server does not let it in.
    pub async fn connect(jid: &str, port: u16) -> Result<Self> {
        let component = BareJid::new(jid).map_err(|error| Failure::new(error.to_string()))?;
        let config = StreamConfig::new(component, format!("127.0.0.1:{port}"), SECRET);
        let manner = Arc::new(Mutex::new(Manner::new()));
        let (got_sender, got) = watch::channel(Vec::new());
        let (heard_sender, heard) = watch::channel(Vec::new());
        let (up_sender, up) = watch::channel(false);
        let (orders, to_do) = mpsc::unbounded_channel();
        let serving = Serving {
            config,
            got: got_sender,
            heard: heard_sender,
            up: up_sender,
            manner: manner.clone(),
            orders: orders.clone(),
        };
        let service = Self {
            jid: jid.to_owned(),
            got,
            heard,
            up,
            manner,
            orders,
            task: tokio::spawn(serving.run(to_do)),
        };
        service.connected().await?;
        Ok(service)
    }

    /// Its JID.
    #[must_use]
    pub fn jid(&self) -> &str {
        &self.jid
    }

    /// How it answers from now on.
    pub fn answer(&self, reply: Reply) {
        self.manner().answer(reply);
    }

    /// How it answers what is for this node from now on, until it is told how to answer all.
    pub fn answer_to(&self, node: &str, reply: Reply) {
        self.manner().answer_to(node, reply);
    }

    /// How long it stays away from now on when its connection is lost. fpush does so for 20 s.
    pub fn pauses_for(&self, pause: Duration) {
        self.manner().pause = Some(pause);
    }

    fn manner(&self) -> MutexGuard<'_, Manner> {
        self.manner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends any stanza, as XML.
    ///
    /// # Errors
    /// This is no stanza.
    pub fn say(&self, xml: &str) -> Result<()> {
        let stanza = parsed(xml).ok_or_else(|| Failure::new(format!("no stanza: {xml}")))?;
        self.order(Order::Say(stanza))
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

    /// Leaves until it [returns](Self::returns), and waits until it has left.
    ///
    /// # Errors
    /// It cannot.
    pub async fn leaves(&self) -> Result<()> {
        self.order(Order::Leave)?;
        let mut up = self.up.clone();
        let left = timeout(PATIENCE, up.wait_for(|up| !*up)).await;
        if left.is_ok_and(|left| left.is_ok()) {
            Ok(())
        } else {
            Err(Failure::new("the push service does not leave"))
        }
    }

    /// Is there again.
    ///
    /// # Errors
    /// It does not connect.
    pub async fn returns(&self) -> Result<()> {
        self.order(Order::Return)?;
        self.connected().await
    }

    fn order(&self, order: Order) -> Result<()> {
        let ordered = self.orders.send(order);
        ordered.map_err(|_| Failure::new("the push service has left"))
    }

    /// Leaves for good: its domain is not there any more.
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
