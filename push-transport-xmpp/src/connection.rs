//! One open stream: its socket, and what waits on either side of it.

use crate::config::StreamConfig;
use crate::decoder::READ;
use crate::end::{End, hung_up, lost};
use crate::handshake::CLOSING;
use crate::keepalive::{Due, KeepAlive};
use crate::opening::Opened;
use crate::outbox::Outbox;
use crate::reader::Reader;
use push_core::transport::{DownReason, StreamEvent};
use push_core::xml::WriteXml;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep_until};

/// An authenticated stream.
pub(crate) struct Connection {
    socket: TcpStream,
    reader: Reader,
    outbox: Outbox,
    /// Set to the deadline at the latest: one that moves on is seen to when it fires.
    timer: Pin<Box<Sleep>>,
    /// How long the server may read nothing.
    patience: Duration,
    /// Bytes that may be read before the server has read what waits for it.
    max_incoming: usize,
    /// The server was not to be blamed for its silence at the last look: it had something to read.
    excused: bool,
}

impl Connection {
    pub(crate) fn new(opened: Opened, config: &StreamConfig) -> Self {
        let now = Instant::now();
        let keep_alive = KeepAlive::new(&config.component, &config.timeouts, now);
        Self {
            timer: Box::pin(sleep_until(keep_alive.deadline().into())),
            socket: opened.socket,
            reader: Reader {
                decoder: opened.decoder,
                keep_alive,
            },
            outbox: Outbox::new(config.max_outgoing),
            patience: config.timeouts.write,
            max_incoming: config.max_incoming,
            excused: false,
        }
    }

    /// Adds a stanza to what waits.
    pub(crate) fn push(&mut self, stanza: &dyn WriteXml) {
        self.outbox.push(stanza);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.outbox.is_full()
    }

    /// Writes what the socket takes at once.
    pub(crate) fn flush(&mut self) {
        self.outbox.flush(&self.socket);
    }

    /// Reads and writes until there are events, or room for stanzas that there was not.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        events: &mut Vec<StreamEvent>,
    ) -> Poll<Result<(), End>> {
        let (before, was_full) = (events.len(), self.outbox.is_full());
        // Blocked or not, reading goes on.
        let _ = self.outbox.poll_flush(&self.socket, cx);
        if was_full && !self.outbox.is_full() {
            return Poll::Ready(Ok(()));
        }
        loop {
            // While too much waits the caller could not answer: what comes stays as it is, which takes the least memory.
            if !self.outbox.is_full() {
                self.reader.decode(events)?;
                if events.len() > before {
                    return Poll::Ready(Ok(()));
                }
            }
            match self.poll_read(cx) {
                Poll::Ready(read) => read?,
                Poll::Pending => return self.poll_timer(cx),
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        if self.reader.decoder.waiting() >= self.max_incoming && self.outbox.is_full() {
            return Poll::Pending;
        }
        let read = self.socket.read_buf(self.reader.decoder.space(READ));
        match ready!(pin!(read).poll(cx)) {
            Ok(0) => Poll::Ready(Err(hung_up().into())),
            Ok(_) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(lost(&error).into())),
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        loop {
            let deadline = self.deadline().into();
            if deadline < self.timer.deadline() {
                self.timer.as_mut().reset(deadline);
            }
            ready!(self.timer.as_mut().poll(cx));
            self.look(Instant::now())?;
            // Blocked or not, the timer is polled.
            let _ = self.outbox.poll_flush(&self.socket, cx);
            let deadline = self.deadline().into();
            self.timer.as_mut().reset(deadline);
        }
    }

    /// When to look whether the server is still there. While it has something to read, it need not say anything: its
    /// answer would be behind that.
    fn deadline(&mut self) -> Instant {
        if let Some(since) = self.outbox.blocked() {
            self.excused = true;
            return since + self.patience;
        }
        if std::mem::take(&mut self.excused) {
            self.reader.keep_alive.received(Instant::now());
        }
        self.reader.keep_alive.deadline()
    }

    fn look(&mut self, now: Instant) -> Result<(), DownReason> {
        if now < self.deadline() {
            return Ok(());
        }
        if self.outbox.blocked().is_some() {
            return Err(DownReason::Stalled);
        }
        match self.reader.keep_alive.look(now) {
            Due::Nothing => {}
            Due::Silent => return Err(DownReason::Silent),
            Due::Ask => {
                tracing::trace!("nothing was received for a while: asking for a sign of life");
                self.outbox.push(self.reader.keep_alive.message());
            }
        }
        Ok(())
    }

    /// Writes what waits and the last words.
    pub(crate) async fn finish(mut self, farewell: String) {
        self.outbox.close(&farewell);
        poll_fn(|cx| self.outbox.poll_flush(&self.socket, cx)).await;
    }

    /// Writes what waits and the end of the stream, and reads what the server still has to say.
    pub(crate) async fn close(&mut self, events: &mut Vec<StreamEvent>) {
        self.outbox.close(CLOSING);
        poll_fn(|cx| self.poll_close(cx, events)).await;
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, events: &mut Vec<StreamEvent>) -> Poll<()> {
        let _ = self.outbox.poll_flush(&self.socket, cx);
        loop {
            let before = events.len();
            if self.reader.decode(events).is_err() {
                return Poll::Ready(());
            }
            if events.len() == before && ready!(self.poll_read(cx)).is_err() {
                return Poll::Ready(());
            }
        }
    }
}
