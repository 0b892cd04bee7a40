//! A server with one component and one adapter: answers what the service asks and counts it.

use crate::Result;
use crate::adapter::{self, COMPONENT, Heard};
use push_transport_xmpp::{Decoder, Incoming, Limits};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The secret is not checked: nobody else connects.
pub(crate) const SECRET: &str = "bench";

/// How long nothing may happen before the bench gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the service did so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) attached: bool,
    pub(crate) enabled: u64,
    pub(crate) refused: u64,
    pub(crate) published: u64,
    pub(crate) acknowledged: u64,
    ended: bool,
}

/// The server's end of the service's stream.
pub(crate) struct Server {
    socket: Mutex<TcpStream>,
    counts: Mutex<Counts>,
    changed: Condvar,
}

impl Server {
    /// Waits for the service, authenticates it, and answers it from then on.
    pub(crate) fn accept(listener: &TcpListener) -> Result<Arc<Self>> {
        let (mut socket, _) = listener.accept()?;
        socket.set_nodelay(true)?;
        let mut decoder = Decoder::new(Limits::default());
        await_stanza(&mut socket, &mut decoder, |incoming| {
            matches!(incoming, Incoming::Header(_))
        })?;
        write!(
            socket,
            "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' from='{COMPONENT}' id='1'>"
        )?;
        await_stanza(&mut socket, &mut decoder, |incoming| {
            matches!(incoming, Incoming::Stanza(_))
        })?;
        socket.write_all(b"<handshake/>")?;
        let server = Arc::new(Self {
            socket: Mutex::new(socket.try_clone()?),
            counts: Mutex::default(),
            changed: Condvar::new(),
        });
        let answering = Arc::clone(&server);
        thread::spawn(move || {
            let ended = answering.answer(socket, decoder);
            answering.counts().ended = true;
            answering.changed.notify_all();
            ended
        });
        Ok(server)
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&self, text: &str) -> Result<()> {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(socket.write_all(text.as_bytes())?)
    }

    pub(crate) fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the counts are as wanted.
    pub(crate) fn wait(&self, enough: impl Fn(&Counts) -> bool) -> Result<Counts> {
        let mut counts = self.counts();
        while !enough(&counts) {
            if counts.ended {
                return Err("the stream has ended".into());
            }
            let waited = self.changed.wait_timeout(counts, PATIENCE);
            let (changed, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            if timeout.timed_out() {
                return Err(format!("nothing happens any more: {changed:?}").into());
            }
            counts = changed;
        }
        Ok(*counts)
    }

    fn answer(&self, mut socket: TcpStream, mut decoder: Decoder) -> Result<()> {
        let mut answers = String::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = socket.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            decoder.push(&buffer[..read]);
            let mut counts = *self.counts();
            while let Some(incoming) = decoder.next_incoming()? {
                if let Incoming::Stanza(stanza) = incoming {
                    adapter::hear(&stanza, |heard| take(heard, &mut counts, &mut answers));
                }
            }
            // Written first: whoever waits for the counts may want to be answered themselves.
            self.send(&answers)?;
            answers.clear();
            *self.counts() = counts;
            self.changed.notify_all();
        }
    }
}

fn take(heard: Heard, counts: &mut Counts, answers: &mut String) {
    match heard {
        Heard::Hello(session) => {
            adapter::hello(answers, &session);
            counts.attached = true;
        }
        Heard::Ping => adapter::pong(answers),
        Heard::Answer(true) => counts.enabled += 1,
        Heard::Answer(false) => counts.refused += 1,
        Heard::Acknowledged(events) => counts.acknowledged += events,
        Heard::Publish(number) => {
            adapter::outcome(answers, number);
            counts.published += 1;
        }
    }
}

fn await_stanza(
    socket: &mut TcpStream,
    decoder: &mut Decoder,
    wanted: fn(&Incoming) -> bool,
) -> Result<()> {
    let mut buffer = [0; 4096];
    loop {
        if decoder
            .next_incoming()?
            .is_some_and(|incoming| wanted(&incoming))
        {
            return Ok(());
        }
        let read = socket.read(&mut buffer)?;
        if read == 0 {
            return Err("the service hung up".into());
        }
        decoder.push(&buffer[..read]);
    }
}
