//! From `flush` to the task that writes: bytes, as many as there are at once.

use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// What waits to be written on one connection.
#[derive(Debug)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    filled: Notify,
    stalled: Notify,
    /// Bytes that may wait.
    limit: usize,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Open,
    /// Nothing may be added any more.
    Closing,
    /// More waited than may.
    Stalled,
}

impl Outbox {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            state: Mutex::default(),
            filled: Notify::new(),
            stalled: Notify::new(),
            limit,
        }
    }

    /// Adds bytes, leaving `bytes` empty.
    pub(crate) fn push(&self, bytes: &mut Vec<u8>) {
        let mut state = self.state();
        if state.phase == Phase::Open && !bytes.is_empty() {
            if state.bytes.is_empty() {
                std::mem::swap(&mut state.bytes, bytes);
            } else {
                state.bytes.append(bytes);
            }
            self.filled.notify_one();
            if state.bytes.len() > self.limit {
                drop(state);
                self.stall();
            }
        }
        bytes.clear();
    }

    /// Adds the last bytes.
    pub(crate) fn close(&self, last: &str) {
        let mut state = self.state();
        if state.phase == Phase::Open {
            state.bytes.extend_from_slice(last.as_bytes());
            state.phase = Phase::Closing;
        }
        drop(state);
        self.filled.notify_one();
    }

    /// The peer does not read: what waits is thrown away.
    pub(crate) fn stall(&self) {
        let mut state = self.state();
        state.phase = Phase::Stalled;
        state.bytes = Vec::new();
        drop(state);
        self.stalled.notify_one();
    }

    /// Waits until the peer is found not to read. Only one task may wait.
    pub(crate) async fn stalled(&self) {
        while self.state().phase != Phase::Stalled {
            self.stalled.notified().await;
        }
    }

    /// Waits for bytes and takes all; false when these are the last.
    pub(crate) async fn take(&self, batch: &mut Vec<u8>) -> bool {
        loop {
            if let Some(open) = self.try_take(batch) {
                return open;
            }
            self.filled.notified().await;
        }
    }

    fn try_take(&self, batch: &mut Vec<u8>) -> Option<bool> {
        let mut state = self.state();
        let open = state.phase == Phase::Open;
        if open && state.bytes.is_empty() {
            return None;
        }
        batch.clear();
        std::mem::swap(&mut state.bytes, batch);
        Some(open)
    }

    /// Nothing panics while it holds the lock, so that there is no poison to respect.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_waits_is_taken_at_once_and_in_order() {
        let outbox = Outbox::new(100);
        outbox.push(&mut b"a".to_vec());
        outbox.push(&mut b"b".to_vec());
        let mut batch = b"old".to_vec();
        assert!(outbox.take(&mut batch).await);
        assert_eq!(batch, b"ab");
        outbox.push(&mut b"c".to_vec());
        outbox.close("</end>");
        outbox.push(&mut b"late".to_vec());
        assert!(!outbox.take(&mut batch).await);
        assert_eq!(batch, b"c</end>");
    }

    #[tokio::test]
    async fn too_much_is_a_stall_and_held_no_longer() {
        let outbox = Outbox::new(10);
        outbox.push(&mut vec![0; 10]);
        outbox.push(&mut vec![0; 1]);
        outbox.stalled().await;
        let mut batch = Vec::new();
        assert!(!outbox.take(&mut batch).await);
        assert!(batch.is_empty());
    }
}
