//! One connection: TCP, handshake, and the two tasks of an open stream.

use crate::config::StreamConfig;
use crate::decoder::{Decoder, Incoming};
use crate::handshake::{self, Handshake, Step};
use crate::inbox::Inbox;
use crate::outbox::Outbox;
use crate::reader::Reader;
use crate::writer::XmlWriter;
use push_core::transport::DownReason;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Bytes read at once, at least.
pub(crate) const READ: usize = 64 << 10;

/// Capacity kept by an idle writer, bytes.
const RETAINED: usize = 1 << 20;

/// An authenticated stream.
pub(crate) struct Connection {
    read: OwnedReadHalf,
    write: OwnedWriteHalf,
    /// May hold what came right behind the handshake.
    decoder: Decoder,
}

impl Connection {
    /// Connects and authenticates.
    pub(crate) async fn open(config: &StreamConfig) -> Result<Self, DownReason> {
        let (read, write) = connect(config).await?.into_split();
        let mut connection = Self {
            read,
            write,
            decoder: Decoder::new(config.limits),
        };
        let shaken = timeout(config.timeouts.handshake, connection.shake_hands(config)).await;
        shaken.unwrap_or(Err(DownReason::Silent))?;
        Ok(connection)
    }

    async fn shake_hands(&mut self, config: &StreamConfig) -> Result<(), DownReason> {
        let opening = handshake::opening(&config.component);
        self.write(opening.as_bytes()).await?;
        let mut handshake = Handshake::Header;
        loop {
            let incoming = self.receive().await?;
            match handshake.step(&incoming, &config.secret)? {
                Step::Open => return Ok(()),
                Step::Digest(digest) => {
                    let mut writer = XmlWriter::new();
                    writer.stanza(&digest);
                    self.write(writer.bytes()).await?;
                }
            }
        }
    }

    /// Writes in vain if the server has refused already: its reason is still to be read then.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), DownReason> {
        match self.write.write_all(bytes).await {
            Err(error) if !is_hung_up(&error) => Err(lost(&error)),
            _ => Ok(()),
        }
    }

    async fn receive(&mut self) -> Result<Incoming, DownReason> {
        loop {
            if let Some(incoming) = self.decoder.next_incoming().map_err(handshake::malformed)? {
                return Ok(incoming);
            }
            let read = self.read.read_buf(self.decoder.space(READ)).await;
            if read.map_err(|error| lost(&error))? == 0 {
                return Err(hung_up());
            }
        }
    }

    /// Hands over what comes and writes what is queued, until the stream ends.
    pub(crate) async fn live(
        self,
        config: &StreamConfig,
        inbox: &Inbox,
        closing: &mut watch::Receiver<bool>,
    ) -> DownReason {
        let outbox = Arc::new(Outbox::new(config.max_outgoing));
        let mut writer = JoinSet::new();
        writer.spawn(write(
            self.write,
            Arc::clone(&outbox),
            config.timeouts.write,
        ));
        inbox.up(Arc::clone(&outbox));
        let mut reader = Reader::new(self.read, self.decoder, config, inbox, &outbox);
        let reason = reader.run(closing).await;
        outbox.close(handshake::CLOSING);
        if !matches!(
            reason,
            DownReason::Lost(_) | DownReason::Silent | DownReason::Stalled
        ) {
            // In vain if the peer has gone by now.
            let _ = timeout(config.timeouts.close, writer.join_next()).await;
        }
        reason
    }
}

/// Connects to the first address that answers.
async fn connect(config: &StreamConfig) -> Result<TcpStream, DownReason> {
    let patience = config.timeouts.connect;
    let failed = |error: io::Error| DownReason::Connect(error.to_string());
    let overdue = || failed(io::ErrorKind::TimedOut.into());
    let resolved = timeout(patience, lookup_host(&config.server)).await;
    let mut reason = DownReason::Connect("the name has no address".to_owned());
    for address in resolved.map_err(|_| overdue())?.map_err(failed)? {
        match timeout(patience, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => {
                socket.set_nodelay(true).map_err(failed)?;
                return Ok(socket);
            }
            Ok(Err(error)) => reason = failed(error),
            Err(_) => reason = overdue(),
        }
    }
    Err(reason)
}

/// Writes what is queued, all there is at a time. Gives the socket back at the end, since dropping
/// it would end our side of the connection before the peer's is read.
async fn write(
    mut socket: OwnedWriteHalf,
    outbox: Arc<Outbox>,
    patience: Duration,
) -> OwnedWriteHalf {
    let mut batch = Vec::new();
    loop {
        let more = outbox.take(&mut batch).await;
        let mut rest = batch.as_slice();
        while !rest.is_empty() {
            match timeout(patience, socket.write(rest)).await {
                Ok(Ok(written)) => rest = &rest[written..],
                // The reader meets the same fault, behind what the peer had to say about it.
                Ok(Err(_)) => return socket,
                Err(_) => {
                    outbox.stall();
                    return socket;
                }
            }
        }
        if !more {
            return socket;
        }
        if batch.capacity() > RETAINED {
            batch = Vec::new();
        }
    }
}

fn is_hung_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
    )
}

pub(crate) fn lost(error: &io::Error) -> DownReason {
    DownReason::Lost(error.to_string())
}

pub(crate) fn hung_up() -> DownReason {
    DownReason::Lost("closed by the server in mid-stream".to_owned())
}
