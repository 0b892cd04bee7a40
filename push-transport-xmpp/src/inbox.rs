//! From the connection to whoever calls `next`: events, and where to write.

use crate::outbox::Outbox;
use push_core::transport::{DownReason, StreamEvent};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Events in order, waiting to be taken all at once.
#[derive(Debug)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    filled: Notify,
    drained: Notify,
    /// Bytes of stanzas that may wait.
    limit: usize,
}

#[derive(Debug, Default)]
struct State {
    events: Vec<StreamEvent>,
    bytes: usize,
    /// Where to write once all these events are known; nothing while the stream is down.
    outbox: Option<Arc<Outbox>>,
}

/// What an event takes besides its text, bytes.
const EVENT: usize = 256;

impl Inbox {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            state: Mutex::default(),
            filled: Notify::new(),
            drained: Notify::new(),
            limit,
        }
    }

    /// The stream is up: answers to what comes from now on go to `outbox`.
    pub(crate) fn up(&self, outbox: Arc<Outbox>) {
        let mut state = self.state();
        state.events.push(StreamEvent::Up);
        state.outbox = Some(outbox);
        drop(state);
        self.filled.notify_one();
    }

    /// The stream is down.
    pub(crate) fn down(&self, reason: DownReason) {
        let mut state = self.state();
        state.events.push(StreamEvent::Down(reason));
        state.outbox = None;
        drop(state);
        self.filled.notify_one();
    }

    /// Adds what one read brought, leaving `events` empty; whether there is room for more.
    pub(crate) fn push(&self, events: &mut Vec<StreamEvent>) -> bool {
        let bytes: usize = events.iter().map(cost).sum();
        let mut state = self.state();
        state.bytes += bytes;
        state.events.append(events);
        let room = state.bytes < self.limit;
        drop(state);
        self.filled.notify_one();
        room
    }

    /// Waits until there is room again. Only one task may wait.
    pub(crate) async fn room(&self) {
        while self.state().bytes >= self.limit {
            self.drained.notified().await;
        }
    }

    /// Waits for events and takes all: where to write from now on. May be dropped at any time.
    pub(crate) async fn take(&self, events: &mut Vec<StreamEvent>) -> Option<Arc<Outbox>> {
        loop {
            {
                let mut state = self.state();
                if !state.events.is_empty() {
                    events.append(&mut state.events);
                    state.bytes = 0;
                    self.drained.notify_one();
                    return state.outbox.clone();
                }
            }
            self.filled.notified().await;
        }
    }

    /// Nothing panics while it holds the lock, so that there is no poison to respect.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cost(event: &StreamEvent) -> usize {
    match event {
        StreamEvent::Stanza(stanza) => EVENT + stanza.len(),
        _ => EVENT,
    }
}
