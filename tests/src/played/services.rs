//! Push services that answer soon or not at all.

use crate::world::adapter::Relay;
use crate::world::service::Notification;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long a push service takes to answer.
const ANSWER: Duration = Duration::from_millis(20);
/// How many there are for users.
const COUNT: usize = 10;
/// One that never answers, as do those below it.
pub const SILENT: &str = "silent.example.net";

/// `app0.example.net` to `app9.example.net`, and [`SILENT`].
#[derive(Debug, Default)]
pub struct Services {
    /// So many of the first do not answer now.
    pub silent: usize,
    answering: VecDeque<(Instant, Relay)>,
}

impl Services {
    /// The push service of a user.
    pub fn of(user: usize) -> String {
        format!("app{}.example.net", user % COUNT)
    }

    /// Tells users whose push services answer now.
    pub fn is_well(&self) -> impl Fn(usize) -> bool + use<> {
        let silent = self.silent;
        move |user| user % COUNT >= silent
    }

    pub(super) fn receive(&mut self, relay: Relay) {
        let is_silent = (0..self.silent).any(|silent| Self::of(silent) == relay.to);
        if !is_silent && !relay.to.ends_with(SILENT) {
            self.answering.push_back((Instant::now() + ANSWER, relay));
        }
    }

    /// When the next answer is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.answering.front().map(|(due, _)| *due)
    }

    /// Messages accepted by now.
    pub(super) fn answers(&mut self, now: Instant) -> Vec<(u64, Notification)> {
        let count = self.answering.partition_point(|(due, _)| *due <= now);
        let due = self.answering.drain(..count);
        due.map(|(_, relay)| (relay.number, relay.notification))
            .collect()
    }

    /// The one who asked is gone: nobody waits for answers.
    pub(super) fn forget(&mut self) {
        self.answering.clear();
    }
}
