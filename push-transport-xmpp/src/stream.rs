//! The stream that is always there: connections, one after the other.

use crate::backoff::Backoff;
use crate::config::StreamConfig;
use crate::connection::Connection;
use crate::end::End;
use crate::opening::{self, Opened};
use async_trait::async_trait;
use push_core::transport::{DownReason, StreamEvent, Transport};
use push_core::xml::WriteXml;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::time::{Sleep, sleep, timeout};

/// A component's stream to its server.
///
/// It has no task of its own: whoever waits for [`Transport::next`] connects, reads and writes, all on their own thread.
/// So be back there soon. Dropping it ends everything at once, [`Transport::close`] in order.
///
/// * [`Transport::next`] gives what one read of the socket brought, as one batch. After `close` it gives what was received
///   until then and [`DownReason::Closed`], and then waits for ever.
/// * [`Transport::send`] writes into a buffer, [`Transport::flush`] hands that to the socket; what the socket does not take
///   goes out in `next`. What is sent goes out on the connection that `next` told of, or not at all: what was meant
///   for one that has ended in the meantime never reaches its successor.
/// * [`Transport::is_full`] from [`StreamConfig::max_outgoing`] on. Meanwhile `next` gives nothing, and keeps up to
///   [`StreamConfig::max_incoming`] as it is read.
pub struct Stream {
    config: Arc<StreamConfig>,
    backoff: Backoff,
    state: State,
    /// When the stream came up last.
    since: Instant,
    /// Told with the next batch.
    pending: Vec<StreamEvent>,
}

type Step<T> = Pin<Box<dyn Future<Output = T> + Send>>;

enum State {
    /// To be connected at once.
    Down,
    Opening(Step<Result<Opened, DownReason>>),
    Up(Box<Connection>),
    /// Saying why.
    Ending(Step<()>, DownReason),
    /// Until it is time to connect again.
    Waiting(Pin<Box<Sleep>>),
    Closed,
}

impl Stream {
    /// A stream that connects at the first [`Transport::next`]. `seed` is what back-off is drawn from: let it differ between
    /// processes.
    ///
    /// Made anywhere; everything else happens inside of a tokio runtime with time and I/O enabled, always the same.
    pub fn start(config: StreamConfig, seed: [u8; 32]) -> Self {
        Self {
            backoff: Backoff::new(config.backoff, seed),
            config: Arc::new(config),
            state: State::Down,
            since: Instant::now(),
            pending: Vec::new(),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, events: &mut Vec<StreamEvent>) -> Poll<()> {
        let before = events.len();
        events.append(&mut self.pending);
        while events.len() == before {
            match &mut self.state {
                State::Down => self.state = State::Opening(Box::pin(open(self.config.clone()))),
                State::Opening(opening) => match ready!(opening.as_mut().poll(cx)) {
                    Ok(opened) => self.up(opened, events),
                    Err(reason) => self.down(reason, Duration::ZERO, events),
                },
                State::Up(connection) => match ready!(connection.poll(cx, events)) {
                    Ok(()) => break,
                    Err(end) => self.end(end, events),
                },
                State::Ending(ending, reason) => {
                    ready!(ending.as_mut().poll(cx));
                    let reason = reason.clone();
                    self.down(reason, self.since.elapsed(), events);
                }
                State::Waiting(sleep) => {
                    ready!(sleep.as_mut().poll(cx));
                    self.state = State::Down;
                }
                State::Closed => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }

    fn up(&mut self, opened: Opened, events: &mut Vec<StreamEvent>) {
        tracing::debug!("stream up");
        self.since = Instant::now();
        self.state = State::Up(Box::new(Connection::new(opened, &self.config)));
        events.push(StreamEvent::Up);
    }

    /// The connection is of no use any more; the server may be told why.
    fn end(&mut self, End { reason, farewell }: End, events: &mut Vec<StreamEvent>) {
        let state = std::mem::replace(&mut self.state, State::Down);
        match (state, farewell) {
            (State::Up(connection), Some(farewell)) => {
                let last = timeout(self.config.timeouts.close, connection.finish(farewell));
                // In vain if the peer has gone by now.
                let last = async move { drop(last.await) };
                self.state = State::Ending(Box::pin(last), reason);
            }
            _ => self.down(reason, self.since.elapsed(), events),
        }
    }

    fn down(&mut self, reason: DownReason, up: Duration, events: &mut Vec<StreamEvent>) {
        let wait = self.backoff.wait(up, &reason);
        tracing::debug!(%reason, ?up, ?wait, "stream down, connecting again later");
        self.state = State::Waiting(Box::pin(sleep(wait)));
        events.push(StreamEvent::Down(reason));
    }
}

async fn open(config: Arc<StreamConfig>) -> Result<Opened, DownReason> {
    opening::open(&config).await
}

#[async_trait]
impl Transport for Stream {
    async fn next(&mut self, events: &mut Vec<StreamEvent>) {
        poll_fn(|cx| self.poll(cx, events)).await;
    }

    fn send(&mut self, stanza: &dyn WriteXml) {
        if let State::Up(connection) = &mut self.state {
            connection.push(stanza);
        }
    }

    fn is_full(&self) -> bool {
        matches!(&self.state, State::Up(connection) if connection.is_full())
    }

    fn flush(&mut self) {
        if let State::Up(connection) = &mut self.state {
            connection.flush();
        }
    }

    async fn close(&mut self) {
        match &mut self.state {
            State::Closed => return,
            State::Up(connection) => {
                let closed = connection.close(&mut self.pending);
                // Too slow, or gone: closed all the same.
                drop(timeout(self.config.timeouts.close, closed).await);
            }
            State::Ending(ending, _) => ending.as_mut().await,
            State::Down | State::Opening(_) | State::Waiting(_) => {}
        }
        self.state = State::Closed;
        self.pending.push(StreamEvent::Down(DownReason::Closed));
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let up = matches!(self.state, State::Up(_));
        f.debug_struct("Stream")
            .field("up", &up)
            .finish_non_exhaustive()
    }
}
