//! Reading an open stream.

use crate::config::StreamConfig;
use crate::connection::{READ, hung_up, lost};
use crate::decoder::{Decoder, Incoming};
use crate::error::MalformedError;
use crate::handshake::{self, stream_error};
use crate::inbox::Inbox;
use crate::keepalive::{Answer, Due, KeepAlive};
use crate::outbox::Outbox;
use crate::writer::XmlWriter;
use push_core::transport::{DownReason, StreamEvent};
use push_core::xml::{Namespace, Stanza};
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::watch;
use tokio::time::{sleep_until, timeout};

/// Turns what is read into events for the inbox.
pub(crate) struct Reader<'a> {
    socket: OwnedReadHalf,
    decoder: Decoder,
    inbox: &'a Inbox,
    outbox: &'a Outbox,
    keep_alive: KeepAlive,
    /// How long an orderly end may take.
    patience: Duration,
    /// What one read brought; kept for its capacity.
    events: Vec<StreamEvent>,
    /// Whether one read brought more than whitespace.
    heard: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(
        socket: OwnedReadHalf,
        decoder: Decoder,
        config: &StreamConfig,
        inbox: &'a Inbox,
        outbox: &'a Outbox,
    ) -> Self {
        Self {
            socket,
            decoder,
            inbox,
            outbox,
            keep_alive: KeepAlive::new(&config.component, &config.timeouts, Instant::now()),
            patience: config.timeouts.close,
            events: Vec::new(),
            heard: false,
        }
    }

    /// Reads until the stream ends, by whoever's doing.
    pub(crate) async fn run(&mut self, closing: &mut watch::Receiver<bool>) -> DownReason {
        if let Err(reason) = self.read_on(closing).await {
            return reason;
        }
        self.outbox.close(handshake::CLOSING);
        // Too slow, or gone: closed all the same.
        let _ = timeout(self.patience, self.drain()).await;
        DownReason::Closed
    }

    /// Reads until told to close.
    async fn read_on(&mut self, closing: &mut watch::Receiver<bool>) -> Result<(), DownReason> {
        // Something may have come right behind the handshake.
        let mut room = self.deliver()?;
        let mut timer = pin!(sleep_until(self.keep_alive.deadline().into()));
        loop {
            // An answer brings the next look forward.
            if timer.deadline() > self.keep_alive.deadline().into() {
                timer.as_mut().reset(self.keep_alive.deadline().into());
            }
            tokio::select! {
                () = closed(closing) => return Ok(()),
                () = self.outbox.stalled() => return Err(DownReason::Stalled),
                () = self.inbox.room(), if !room => {
                    room = true;
                    self.keep_alive.received(Instant::now());
                }
                read = self.socket.read_buf(self.decoder.space(READ)), if room => {
                    if read.map_err(|error| lost(&error))? == 0 {
                        return Err(hung_up());
                    }
                    room = self.deliver()?;
                }
                () = &mut timer, if room => {
                    self.keep_alive()?;
                    timer.as_mut().reset(self.keep_alive.deadline().into());
                }
            }
        }
    }

    /// Reads what the server still has to say.
    async fn drain(&mut self) -> Result<(), DownReason> {
        loop {
            let read = self.socket.read_buf(self.decoder.space(READ)).await;
            if read.map_err(|error| lost(&error))? == 0 || !self.deliver()? {
                return Ok(());
            }
        }
    }

    /// Hands over all that is complete; whether there is room for more.
    fn deliver(&mut self) -> Result<bool, DownReason> {
        let decoded = self.decode();
        if std::mem::take(&mut self.heard) || self.decoder.is_inside() {
            self.keep_alive.received(Instant::now());
        }
        let room = self.events.is_empty() || self.inbox.push(&mut self.events);
        decoded.map(|()| room)
    }

    fn decode(&mut self) -> Result<(), DownReason> {
        loop {
            let incoming = match self.decoder.next_incoming() {
                Ok(Some(incoming)) => incoming,
                Ok(None) => return Ok(()),
                Err(error) => return Err(self.refuse(error)),
            };
            self.heard = true;
            match incoming {
                Incoming::Stanza(stanza) => self.stanza(stanza)?,
                Incoming::Skipped(bytes) => {
                    tracing::warn!(bytes, "a stanza over the limits was skipped");
                    self.events.push(StreamEvent::Skipped(bytes));
                }
                Incoming::Close => return Err(DownReason::Closed),
                Incoming::Header(_) => return Err(self.refuse(MalformedError::Header)),
            }
        }
    }

    fn stanza(&mut self, stanza: Stanza) -> Result<(), DownReason> {
        if let Some(reason) = stream_error(stanza.root()) {
            return Err(reason);
        }
        match self.keep_alive.answer(&stanza) {
            None => self.events.push(StreamEvent::Stanza(stanza)),
            Some(Answer::Alive) => tracing::trace!("keep-alive answered"),
            Some(Answer::Detached) => {
                return Err(DownReason::Lost(
                    "the server does not route to it".to_owned(),
                ));
            }
        }
        Ok(())
    }

    /// Tells the server what is wrong (RFC 6120 §4.9).
    fn refuse(&self, error: MalformedError) -> DownReason {
        let condition = error.condition();
        let namespace = Namespace::StreamErrors.uri();
        let closing = handshake::CLOSING;
        self.outbox.close(&format!(
            "<stream:error><{condition} xmlns='{namespace}'/></stream:error>{closing}"
        ));
        handshake::malformed(error)
    }

    fn keep_alive(&mut self) -> Result<(), DownReason> {
        match self.keep_alive.look(Instant::now()) {
            Due::Nothing => {}
            Due::Silent => return Err(DownReason::Silent),
            Due::Ask => {
                tracing::trace!("nothing was received for a while: asking for a sign of life");
                let mut writer = XmlWriter::new();
                writer.stanza(self.keep_alive.message());
                self.outbox.push(writer.buffer());
            }
        }
        Ok(())
    }
}

/// Waits until the stream is to be closed, or nobody is there to say so.
pub(crate) async fn closed(closing: &mut watch::Receiver<bool>) {
    let _ = closing.wait_for(|closing| *closing).await;
}
