//! Reports as log lines: error = somebody must act, warn = a peer misbehaves or something is degraded,
//! info = the life of the process, debug = one request or message. JIDs at debug only; never a node, option or body.

mod complaint;
mod lines;
#[cfg(test)]
mod tests;

use crate::Observer;
use complaint::Complaint;
use push_core::{Report, Timestamp};
use std::collections::HashMap;
use std::time::Duration;

/// How often the same complaint is logged at most.
const REPEAT: Duration = Duration::from_secs(10);

/// The log: what [`Driver::new`](crate::Driver::new) begins with.
///
/// Whatever can come with every message, request, stanza or registration is logged above `debug` at once the first time, and
/// then at most every 10 s, with the number of cases. At `debug` each case has a line.
#[derive(Debug, Default)]
pub struct Log {
    /// Those of the last 10 s.
    complaints: HashMap<Complaint, Repeated>,
    /// When the first of them may be logged again.
    due: Option<Timestamp>,
}

/// A complaint that was logged.
#[derive(Debug)]
struct Repeated {
    until: Timestamp,
    /// Cases since.
    count: u64,
    /// The detail of the last of them.
    detail: String,
}

impl Observer for Log {
    fn observe(&mut self, now: Timestamp, report: &Report) {
        self.tick(now);
        if let Some(complaint) = Complaint::of(report) {
            self.complain(now, complaint, complaint::detail(report));
        }
        lines::line(report);
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        self.due
    }

    fn tick(&mut self, now: Timestamp) {
        if self.due.is_some_and(|due| due <= now) {
            self.complaints
                .retain(|complaint, repeated| repeated.tell(now, *complaint));
            self.due = self.complaints.values().map(|one| one.until).min();
        }
    }
}

impl Log {
    fn complain(&mut self, now: Timestamp, complaint: Complaint, detail: &str) {
        if let Some(repeated) = self.complaints.get_mut(&complaint) {
            repeated.count += 1;
            detail.clone_into(&mut repeated.detail);
            return;
        }
        complaint.log(1, detail);
        let until = now.after(REPEAT);
        let repeated = Repeated {
            until,
            count: 0,
            detail: String::new(),
        };
        self.complaints.insert(complaint, repeated);
        self.due = self.due.or(Some(until));
    }
}

impl Repeated {
    /// Logs those since the last line when it is time. Returns whether to go on counting.
    fn tell(&mut self, now: Timestamp, complaint: Complaint) -> bool {
        if self.until > now {
            return true;
        }
        let again = self.count > 0;
        if again {
            complaint.log(self.count, &self.detail);
            (self.until, self.count) = (now.after(REPEAT), 0);
        }
        again
    }
}

/// Logs before the end the counts that were not logged yet.
impl Drop for Log {
    fn drop(&mut self) {
        for (complaint, repeated) in &self.complaints {
            if repeated.count > 0 {
                complaint.log(repeated.count, &repeated.detail);
            }
        }
    }
}
