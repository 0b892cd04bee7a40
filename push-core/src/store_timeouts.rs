//! All time-outs of a store, derived from one setting.

use std::time::Duration;

/// How much longer the Machine waits than its driver: enough for an answer to travel on a busy runtime.
const MACHINE_MARGIN: Duration = Duration::from_secs(1);

/// The longest wait for a connection of a pool, however long a call may take: beyond it, waiting does not help.
const LONGEST_POOL_WAIT: Duration = Duration::from_secs(3);

/// The longest wait for a new connection, for the same reason.
const LONGEST_CONNECT: Duration = Duration::from_secs(4);

/// Every time-out between the Machine and the database, from one setting: how long a call to the store may take.
///
/// Each is shorter than the one around it, so that the error of whoever knows most comes first:
///
/// [`machine`](Self::machine) > [`call`](Self::call) > [`store`](Self::store) > [`statement`](Self::statement) >
/// [`lock`](Self::lock)
///
/// A call that was given up may still be applied for [`linger`](Self::linger). For whoever holds a lease,
/// [`within_lease`](Self::within_lease) makes that short enough for the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreTimeouts {
    call: Duration,
    lease: Option<Duration>,
}

impl StoreTimeouts {
    /// The shortest setting for which the time-outs differ in every database, which count in milliseconds.
    pub const SHORTEST: Duration = Duration::from_millis(10);

    /// Returns the time-outs for calls that take at most `call_timeout`, no less than [`SHORTEST`](Self::SHORTEST).
    pub const fn new(call_timeout: Duration) -> Self {
        Self {
            call: call_timeout,
            lease: None,
        }
    }

    /// Returns the same time-outs for whoever writes under a lease of that duration: what the database still does for a
    /// call that was given up takes at most two fifths of it. The lease itself could not be prolonged by a database that
    /// takes longer than that.
    #[must_use]
    pub const fn within_lease(self, duration: Duration) -> Self {
        Self {
            lease: Some(duration),
            ..self
        }
    }

    /// Returns how long the Machine waits for an answer ([`Policy::store_timeout`](crate::Policy::store_timeout)).
    pub fn machine(&self) -> Duration {
        self.call.saturating_add(MACHINE_MARGIN)
    }

    /// Returns how long the driver waits for a call.
    pub const fn call(&self) -> Duration {
        self.call
    }

    /// Returns how long the store itself works on a call, with all that it tries again: nine tenths of the call.
    pub fn store(&self) -> Duration {
        self.call / 10 * 9
    }

    /// Returns how long the database works on one statement: half of the call, at most a fifth of the lease.
    pub fn statement(&self) -> Duration {
        self.at_most_a_fifth_of_the_lease(self.call / 2)
    }

    /// Returns how long a statement waits for a lock that somebody else holds: two thirds of the statement.
    pub fn lock(&self) -> Duration {
        self.statement() / 3 * 2
    }

    /// Returns how long the network may take to deliver what was sent, before the connection counts as lost: two fifths of
    /// the call, at most a fifth of the lease.
    pub fn delivery(&self) -> Duration {
        self.at_most_a_fifth_of_the_lease(self.call / 5 * 2)
    }

    /// Returns how long after it was given up a commit may still be applied: what was sent is delivered late, and then
    /// worked on.
    pub fn linger(&self) -> Duration {
        self.delivery() + self.statement()
    }

    /// Returns how long a call waits for a connection while all are in use, or for a primary: at most 3 s, and a third of
    /// the call.
    pub fn pool_wait(&self) -> Duration {
        LONGEST_POOL_WAIT.min(self.call / 3)
    }

    /// Returns how long connecting may take: at most 4 s, and two fifths of the call.
    pub fn connect(&self) -> Duration {
        LONGEST_CONNECT.min(self.call / 5 * 2)
    }

    fn at_most_a_fifth_of_the_lease(&self, timeout: Duration) -> Duration {
        self.lease.map_or(timeout, |lease| timeout.min(lease / 5))
    }
}

impl Default for StoreTimeouts {
    /// Returns the time-outs for calls of at most 10 s.
    fn default() -> Self {
        Self::new(Duration::from_secs(10))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the shortest setting to an hour, with and without leases: each millisecond while rounding matters, then many.
    fn settings() -> impl Iterator<Item = (StoreTimeouts, Option<Duration>)> {
        let leases = [None, Some(1), Some(10), Some(3600)];
        let shortest = u64::try_from(StoreTimeouts::SHORTEST.as_millis()).unwrap();
        let millis = (shortest..=5_000).chain((5_000..=3_600_000).step_by(997));
        millis.flat_map(move |millis| {
            leases.into_iter().map(move |lease| {
                let timeouts = StoreTimeouts::new(Duration::from_millis(millis));
                let lease = lease.map(Duration::from_secs);
                let within = lease.map(|lease| timeouts.within_lease(lease));
                (within.unwrap_or(timeouts), lease)
            })
        })
    }

    #[test]
    fn each_time_out_is_shorter_than_the_one_around_it() {
        for (timeouts, _) in settings() {
            let order = [
                timeouts.machine(),
                timeouts.call(),
                timeouts.store(),
                timeouts.statement(),
                timeouts.lock(),
            ];
            // Databases count in milliseconds.
            let falls = order
                .windows(2)
                .all(|two| two[0].as_millis() > two[1].as_millis());
            assert!(
                falls && timeouts.lock().as_millis() > 0,
                "{timeouts:?}: {order:?}"
            );
        }
    }

    #[test]
    fn finding_a_connection_and_asking_fit_into_the_stores_own_limit() {
        for (timeouts, _) in settings() {
            assert!(
                timeouts.pool_wait() + timeouts.connect() < timeouts.store(),
                "{timeouts:?}"
            );
        }
    }

    #[test]
    fn what_was_given_up_is_over_within_two_fifths_of_the_lease() {
        for (timeouts, lease) in settings() {
            let longest = lease.map_or(timeouts.call(), |lease| lease / 5 * 2);
            assert!(timeouts.linger() <= longest, "{timeouts:?}");
        }
    }

    #[test]
    fn the_defaults_are_those_of_ten_seconds() {
        let timeouts = StoreTimeouts::default();
        let expected = [11_000, 10_000, 9_000, 5_000, 3_333, 4_000, 3_000, 4_000];
        let found = [
            timeouts.machine(),
            timeouts.call(),
            timeouts.store(),
            timeouts.statement(),
            timeouts.lock(),
            timeouts.delivery(),
            timeouts.pool_wait(),
            timeouts.connect(),
        ];
        assert_eq!(found.map(|timeout| timeout.as_millis()), expected);
    }
}
