//! The server's end of a component's stream.

use crate::server::{Context as _, Failure, Result};
use crate::world::COMPONENT;
use push_core::xml::Stanza;
use push_transport_xmpp::{Decoder, Incoming, Limits};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Instant;

/// Events of the program's stream.
#[derive(Debug)]
pub(super) enum Heard {
    /// It connected, and was let in.
    Up(TcpStream),
    /// It said something; when.
    Stanza(Instant, Stanza),
    /// The stream has ended.
    Down,
    /// It did what it must not do.
    Fault(String),
}

/// Reads always, and writes however long that takes, each on a thread of its own.
#[derive(Debug)]
pub(super) struct Link {
    port: u16,
    heard: Receiver<Heard>,
    out: Option<Sender<String>>,
}

impl Link {
    pub(super) fn listen() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let (sender, heard) = mpsc::channel();
        thread::spawn(move || serve(&listener, &sender));
        let out = None;
        Ok(Self { port, heard, out })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Writes to this socket from now on.
    pub(super) fn attach(&mut self, mut socket: TcpStream) {
        let (sender, texts) = mpsc::channel::<String>();
        thread::spawn(move || {
            // When the stream has ended, the reader tells.
            texts
                .iter()
                .try_for_each(|text| socket.write_all(text.as_bytes()))
        });
        self.out = Some(sender);
    }

    pub(super) fn send(&self, text: &str) {
        if let Some(out) = self.out.as_ref().filter(|_| !text.is_empty()) {
            // The writer has ended with its stream.
            drop(out.send(text.to_owned()));
        }
    }

    /// Waits for something to be heard, not beyond `end`.
    pub(super) fn wait(&self, end: Instant) -> Result<Option<Heard>> {
        let time = end.saturating_duration_since(Instant::now());
        match self.heard.recv_timeout(time) {
            Ok(heard) => Ok(Some(heard)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Failure::new("nobody listens any more")),
        }
    }

    /// Stanzas heard before.
    pub(super) fn take(&self) -> Option<Heard> {
        self.heard.try_recv().ok()
    }
}

/// Lets in one stream after the other, until nobody wants to hear of them.
fn serve(listener: &TcpListener, heard: &Sender<Heard>) {
    while let Ok((socket, _)) = listener.accept() {
        let last = match listen(socket, heard) {
            Ok(()) => Heard::Down,
            Err(fault) => Heard::Fault(fault.to_string()),
        };
        if heard.send(last).is_err() {
            return;
        }
    }
}

fn listen(mut socket: TcpStream, heard: &Sender<Heard>) -> Result<()> {
    socket.set_nodelay(true)?;
    let mut decoder = Decoder::new(Limits::default());
    let mut buffer = vec![0; 64 << 10];
    let mut is_in = false;
    // A socket of a process that was killed may be reset.
    while let Ok(read @ 1..) = socket.read(&mut buffer) {
        let at = Instant::now();
        decoder.push(&buffer[..read]);
        while let Some(incoming) = decoder.next_incoming().context("said no XML")? {
            let told = match incoming {
                Incoming::Header(_) => write!(
                    socket,
                    "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' from='{COMPONENT}' id='1'>"
                )
                .is_ok(),
                Incoming::Stanza(_) if !is_in => {
                    // The secret is not checked: nobody else connects.
                    is_in = socket.write_all(b"<handshake/>").is_ok();
                    is_in && heard.send(Heard::Up(socket.try_clone()?)).is_ok()
                }
                Incoming::Stanza(stanza) => heard.send(Heard::Stanza(at, stanza)).is_ok(),
                Incoming::Skipped(bytes) => {
                    return Err(Failure::new(format!("said a stanza of {bytes} bytes")));
                }
                Incoming::Close => false,
            };
            if !told {
                return Ok(());
            }
        }
    }
    Ok(())
}
