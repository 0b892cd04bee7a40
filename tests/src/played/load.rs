//! Messages that are missed at even times, by one user after the other.

use std::time::{Duration, Instant};

/// The messages to come.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    start: Instant,
    interval: Duration,
    users: usize,
    sent: u32,
}

impl Load {
    /// One message after each interval, from now on, by these many users in turns.
    pub fn new(interval: Duration, users: usize) -> Self {
        Self {
            start: Instant::now(),
            interval,
            users,
            sent: 0,
        }
    }

    /// The next message, when it is missed and by whom, if that is before so long after the start.
    pub(super) fn next_before(&mut self, end: Duration) -> Option<(Instant, usize)> {
        let due = self.interval * self.sent;
        let user = self.sent as usize % self.users;
        (due < end).then(|| {
            self.sent += 1;
            (self.start + due, user)
        })
    }
}
