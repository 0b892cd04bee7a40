//! Whoever wants to know what a Machine reports.

use push_core::{Report, Timestamp};

/// Sees every report, in order, on the stream's thread: be quick, and never wait.
///
/// Logs, metrics and explanations are observers. Reports grow with releases: match with `..` and pass over what is unknown.
///
/// ```
/// use push_core::report::PublishEnd;
/// use push_core::{Report, Timestamp};
/// use push_driver::Observer;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// /// Counts what push services took.
/// struct Accepted(Arc<AtomicU64>);
///
/// impl Observer for Accepted {
///     fn observe(&mut self, _now: Timestamp, report: &Report) {
///         if let Report::Published { end: PublishEnd::Accepted, .. } = report {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
///
/// # use push_core::transport::Transport;
/// # use push_core::{Machine, MemoryStore};
/// # use push_driver::{Driver, DriverConfig};
/// # async fn run(machine: Machine, transport: Box<dyn Transport>) {
/// let accepted = Arc::new(AtomicU64::new(0));
/// let (driver, handle) = Driver::new(machine, transport, Arc::new(MemoryStore::new()), DriverConfig::default());
/// let driver = driver.observed_by(Accepted(accepted.clone()));
/// # }
/// ```
pub trait Observer: Send {
    /// Takes a report. Time does not run backwards.
    fn observe(&mut self, now: Timestamp, report: &Report);

    /// Returns when [`Observer::tick`] should be called at the latest, if at all.
    fn next_deadline(&self) -> Option<Timestamp> {
        None
    }

    /// Does what is due by now. Also called when nothing is.
    fn tick(&mut self, _now: Timestamp) {}
}
