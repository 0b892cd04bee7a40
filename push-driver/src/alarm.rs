//! The one timer of a driver.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// Fires at a deadline that moves with nearly every event, and mostly to later.
///
/// Setting a timer costs more than looking at the clock: it is set when the deadline moves to earlier than it would fire,
/// and anew when it fires too early.
#[derive(Debug)]
pub(crate) struct Alarm {
    timer: Pin<Box<Sleep>>,
    fired: bool,
}

impl Alarm {
    /// One that never fires. Must be called inside of the runtime that polls it.
    pub(crate) fn new() -> Self {
        Self {
            timer: Box::pin(sleep(Duration::MAX)),
            fired: false,
        }
    }

    /// Returns whether `due` has come; otherwise the task is woken then, or earlier.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, due: Instant) -> bool {
        loop {
            if self.fired || due < self.timer.deadline() {
                self.timer.as_mut().reset(due);
                self.fired = false;
            }
            match self.timer.as_mut().poll(cx) {
                Poll::Pending => return false,
                Poll::Ready(()) if due <= self.timer.deadline() => return true,
                Poll::Ready(()) => self.fired = true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::time::timeout;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    async fn wait(alarm: &mut Alarm, due: Instant) {
        poll_fn(|cx| {
            if alarm.poll(cx, due) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn it_fires_at_its_deadline_wherever_that_moves() {
        let (mut alarm, start) = (Alarm::new(), Instant::now());
        for (first, then) in [(10, 5), (20, 30), (40, 40), (90, 60)] {
            let first = wait(&mut alarm, start + seconds(first));
            assert!(timeout(Duration::ZERO, first).await.is_err());
            wait(&mut alarm, start + seconds(then)).await;
            assert_eq!(start.elapsed().as_secs(), then);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_has_passed_is_due_at_once_and_each_time() {
        let mut alarm = Alarm::new();
        let due = Instant::now();
        tokio::time::advance(seconds(5)).await;
        for _ in 0..3 {
            wait(&mut alarm, due).await;
            assert_eq!(due.elapsed(), seconds(5));
        }
    }
}
