//! Getting a stream open: TCP and handshake.

use crate::config::StreamConfig;
use crate::decoder::{Decoder, Incoming, READ};
use crate::end::{hung_up, lost};
use crate::handshake::{self, Handshake, Step};
use crate::writer::XmlWriter;
use push_core::transport::DownReason;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// An authenticated stream.
pub(crate) struct Opened {
    pub(crate) socket: TcpStream,
    /// May hold what came right behind the handshake.
    pub(crate) decoder: Decoder,
}

/// Connects and authenticates.
pub(crate) async fn open(config: &StreamConfig) -> Result<Opened, DownReason> {
    let mut opened = Opened {
        socket: connect(config).await?,
        decoder: Decoder::new(config.limits),
    };
    let shaken = timeout(config.timeouts.handshake, opened.shake_hands(config)).await;
    shaken.unwrap_or(Err(DownReason::Silent))?;
    Ok(opened)
}

impl Opened {
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
        match self.socket.write_all(bytes).await {
            Err(error) if !is_hung_up(&error) => Err(lost(&error)),
            _ => Ok(()),
        }
    }

    async fn receive(&mut self) -> Result<Incoming, DownReason> {
        loop {
            if let Some(incoming) = self.decoder.next_incoming().map_err(handshake::malformed)? {
                return Ok(incoming);
            }
            let read = self.socket.read_buf(self.decoder.space(READ)).await;
            if read.map_err(|error| lost(&error))? == 0 {
                return Err(hung_up());
            }
        }
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

fn is_hung_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
    )
}
