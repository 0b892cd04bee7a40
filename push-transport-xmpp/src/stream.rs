//! The stream that is always there: connections, one after the other.

use crate::backoff::Backoff;
use crate::config::StreamConfig;
use crate::connection::Connection;
use crate::inbox::Inbox;
use crate::outbox::Outbox;
use crate::reader::closed;
use crate::writer::XmlWriter;
use async_trait::async_trait;
use push_core::transport::{DownReason, StreamEvent, Transport};
use push_core::xml::WriteXml;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A component's stream to its server, kept up by tasks of its own.
///
/// Starting connects; dropping ends everything at once, [`Transport::close`] in order.
///
/// * [`Transport::next`] gives all that happened since, as one batch. After `close` it gives what
///   was received until then and [`DownReason::Closed`], and then waits for ever.
/// * [`Transport::send`] writes into a buffer, [`Transport::flush`] hands that to the task that
///   writes. What is sent goes out on the connection that `next` told of, or not at all: what was
///   meant for one that has ended in the meantime never reaches its successor.
pub struct Stream {
    inbox: Arc<Inbox>,
    /// Where to write, as far as the caller can know.
    outbox: Option<Arc<Outbox>>,
    writer: XmlWriter,
    closing: watch::Sender<bool>,
    /// One task; aborted when this is dropped.
    supervisor: JoinSet<()>,
}

impl Stream {
    /// Begins to connect. `seed` is what back-off is drawn from: let it differ between processes.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with time and I/O enabled.
    pub fn start(config: StreamConfig, seed: [u8; 32]) -> Self {
        let inbox = Arc::new(Inbox::new(config.max_incoming));
        let (closing, asked) = watch::channel(false);
        let mut supervisor = JoinSet::new();
        supervisor.spawn(supervise(config, seed, Arc::clone(&inbox), asked));
        Self {
            inbox,
            outbox: None,
            writer: XmlWriter::new(),
            closing,
            supervisor,
        }
    }
}

#[async_trait]
impl Transport for Stream {
    async fn next(&mut self, events: &mut Vec<StreamEvent>) {
        let outbox = self.inbox.take(events).await;
        if outbox.as_ref().map(Arc::as_ptr) != self.outbox.as_ref().map(Arc::as_ptr) {
            self.writer.buffer().clear();
            self.outbox = outbox;
        }
    }

    fn send(&mut self, stanza: &dyn WriteXml) {
        if self.outbox.is_some() {
            self.writer.stanza(stanza);
        }
    }

    fn flush(&mut self) {
        if let Some(outbox) = &self.outbox {
            outbox.push(self.writer.buffer());
        }
    }

    async fn close(&mut self) {
        self.flush();
        self.closing.send_replace(true);
        self.supervisor.join_next().await;
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let up = self.outbox.is_some();
        f.debug_struct("Stream")
            .field("up", &up)
            .finish_non_exhaustive()
    }
}

/// Connects again and again, until told to close.
async fn supervise(
    config: StreamConfig,
    seed: [u8; 32],
    inbox: Arc<Inbox>,
    mut closing: watch::Receiver<bool>,
) {
    let mut backoff = Backoff::new(config.backoff, seed);
    loop {
        let (reason, up) = attempt(&config, &inbox, &mut closing).await;
        let wait = backoff.wait(up, &reason);
        tracing::debug!(%reason, ?up, "stream down");
        inbox.down(reason);
        if *closing.borrow() {
            return;
        }
        tracing::debug!(?wait, "connecting again later");
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = closed(&mut closing) => return inbox.down(DownReason::Closed),
        }
    }
}

/// One connection: why it ended and how long it was up.
async fn attempt(
    config: &StreamConfig,
    inbox: &Inbox,
    closing: &mut watch::Receiver<bool>,
) -> (DownReason, Duration) {
    let opened = tokio::select! {
        () = closed(closing) => Err(DownReason::Closed),
        opened = Connection::open(config) => opened,
    };
    match opened {
        Err(reason) => (reason, Duration::ZERO),
        Ok(connection) => {
            tracing::debug!("stream up");
            let since = Instant::now();
            let reason = connection.live(config, inbox, closing).await;
            (reason, since.elapsed())
        }
    }
}
