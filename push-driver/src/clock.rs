//! The one place that reads a clock.

use push_core::Timestamp;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Wall-clock time that never runs backwards: read once, then counted monotonically.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    epoch: Timestamp,
}

impl Clock {
    /// A clock that starts at the system's time.
    pub fn start() -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Self {
            start: Instant::now(),
            epoch: Timestamp::default().after(since_epoch),
        }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.epoch.after(self.start.elapsed())
    }

    /// The moment `at` as the runtime counts it; now for a moment that has passed.
    pub(crate) fn instant(&self, at: Timestamp) -> Instant {
        self.start + at.since(self.epoch)
    }
}
