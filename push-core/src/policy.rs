//! Every limit and every time-out.

use crate::StoreTimeouts;
use crate::profile::Profiles;
use crate::registration::StatusPolicy;
use crate::xep::push::RequestLimits;
use std::time::Duration;

/// Limits and time-outs, each with its default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Registrations one user may have; adding one more evicts the oldest. At most
    /// [`MAX_RECIPIENTS`](crate::link::MAX_RECIPIENTS). Default 20.
    pub registrations_per_user: usize,
    /// What one request may hold.
    pub request: RequestLimits,
    /// Users with a question at the store at the same time. Default 200.
    pub workers: usize,
    /// Missed messages waiting for a decision or for their publish. Beyond it requests are refused with `wait`, the adapters'
    /// windows (this number divided by the hosts) are closed, and events of a feed without acknowledgements are dropped and
    /// reported. Default 10,000.
    pub max_queue: usize,
    /// How long a store question may take. Default [`StoreTimeouts::machine`], 11 s.
    pub store_timeout: Duration,
    /// The pause before a user's first store question is asked again; doubles up to 30 s. Default 1 s.
    pub store_retry: Duration,
    /// How long to wait for the answer to a publish. A common push service holds it for 20 s. Default 40 s.
    pub publish_timeout: Duration,
    /// Publishes of one host waiting for one push service's answers. Default 1,000.
    pub in_flight_per_service: usize,
    /// The same of a push service that has just begun to accept; twice as many with each round that it accepts. Default 8.
    pub in_flight_at_first: usize,
    /// Publishes waiting for the answers of all push services together that have accepted nothing yet, or nothing for
    /// [`unproven_after`](Self::unproven_after). Of those that are not silent yet only publishes count that may still be answered in that
    /// time. Default 250.
    pub in_flight_unproven: usize,
    /// The same of one user. Default 4.
    pub in_flight_unproven_per_user: usize,
    /// The same, with all that have been silent for longer: they hold up that many missed messages of
    /// [`max_queue`](Self::max_queue) at most. Default 2,500.
    pub in_flight_unanswered: usize,
    /// Missed messages that one notification may hold up while it waits for the store, or for a push service that has accepted nothing yet
    /// or nothing lately. What is more is told by another one, or deferred at once. Default 50.
    pub held_per_notification: usize,
    /// How long a push service may accept nothing while something is in flight, before it has to prove again that it works; and how
    /// long a delivery waits for its turn before it is deferred. Default 2 s.
    pub unproven_after: Duration,
    /// How long a push service is left alone at which the deliveries of several users have failed in turn: three, and a quarter of those
    /// it has answered lately. Doubles with each attempt that fails, up to [`breaker_max_pause`](Self::breaker_max_pause). Default 5 s.
    pub breaker_pause: Duration,
    /// The longest such pause. Default 5 min.
    pub breaker_max_pause: Duration,
    /// The pause after a first failed attempt at a delivery; doubles up to [`retry_max_pause`](Self::retry_max_pause). Default 30 s.
    pub retry_pause: Duration,
    /// The longest such pause. Default 1 h.
    pub retry_max_pause: Duration,
    /// Deliveries that have failed and wait in memory for their next attempt, because no adapter keeps the messages they tell of.
    /// Beyond it the oldest is dropped and reported. Default 10,000.
    pub retries_in_memory: usize,
    /// How long a missed message is worth a notification. Default 7 days.
    pub wakeup_ttl: Duration,
    /// How long a message is remembered, so that it is told once: longer than sessions can be resumed. Default 4 days.
    pub dedupe_window: Duration,
    /// How many (message, registration) pairs are remembered; the eldest go first. Default 1,000,000.
    pub dedupe_entries: usize,
    /// Bytes of accounts kept in memory. Default 64 MiB.
    pub cache_bytes: usize,
    /// How long a cached account is trusted; `None` where nobody else writes to the store. Default `None`.
    pub cache_ttl: Option<Duration>,
    /// When a registration that fares badly is quarantined and removed.
    pub status: StatusPolicy,
    /// Which push services have which profile. Default: all that of which nothing is known.
    pub profiles: Profiles,
    /// How often an adapter that does not answer is greeted again. Default 30 s.
    pub hello_interval: Duration,
    /// How often an attached adapter is asked whether it is there. Default 30 s.
    pub ping_interval: Duration,
}

impl Policy {
    /// Returns how long a cached account is trusted where others write to the store: half of `cache_ttl`. Adapters trust for
    /// the other half what they were told of users.
    pub(crate) fn account_ttl(&self) -> Option<Duration> {
        self.cache_ttl.map(|ttl| ttl / 2)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            registrations_per_user: 20,
            request: RequestLimits::default(),
            workers: 200,
            max_queue: 10_000,
            store_timeout: StoreTimeouts::default().machine(),
            store_retry: Duration::from_secs(1),
            publish_timeout: Duration::from_secs(40),
            in_flight_per_service: 1_000,
            in_flight_at_first: 8,
            in_flight_unproven: 250,
            in_flight_unproven_per_user: 4,
            in_flight_unanswered: 2_500,
            held_per_notification: 50,
            unproven_after: Duration::from_secs(2),
            breaker_pause: Duration::from_secs(5),
            breaker_max_pause: Duration::from_secs(5 * 60),
            retry_pause: Duration::from_secs(30),
            retry_max_pause: Duration::from_secs(60 * 60),
            retries_in_memory: 10_000,
            wakeup_ttl: Duration::from_secs(7 * 24 * 60 * 60),
            dedupe_window: Duration::from_secs(4 * 24 * 60 * 60),
            dedupe_entries: 1_000_000,
            cache_bytes: 64 << 20,
            cache_ttl: None,
            status: StatusPolicy::default(),
            profiles: Profiles::default(),
            hello_interval: Duration::from_secs(30),
            ping_interval: Duration::from_secs(30),
        }
    }
}
