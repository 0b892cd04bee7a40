//! `[push.workers]`, `[policy]`, `[status]` and `[cache]`: limits and time-outs.

use super::reader::{Reader, set};
use push_core::link::MAX_RECIPIENTS;
use push_core::{Policy, StoreTimeouts};
use std::time::Duration;

/// Reads the limits of push-core.
pub(super) fn policy(reader: &mut Reader<'_>) -> Policy {
    let mut policy = Policy::default();
    for (path, value) in counts(&mut policy) {
        set(value, reader.count(path));
    }
    for (path, value) in durations(&mut policy) {
        set(value, reader.duration(path));
    }
    if policy.status.sudden_percent > 100 {
        reader.problem("status.sudden_percent", "may be at most 100");
    }
    policy.cache_ttl = reader.duration("cache.ttl");
    if policy.registrations_per_user > MAX_RECIPIENTS {
        let reason =
            format!("may be at most {MAX_RECIPIENTS}: an adapter defers a message for no more");
        reader.problem("policy.registrations_per_user", reason);
    }
    for (path, value, most) in [
        ("policy.max_node", policy.request.node, 1023),
        ("policy.max_service", policy.request.service, 512),
    ] {
        if value > most {
            let reason = format!("may be at most {most}: database keys end there");
            reader.problem(path, reason);
        }
    }
    policy
}

/// Reads the setting that every time-out of the store follows from.
pub(super) fn store_timeouts(reader: &mut Reader<'_>) -> StoreTimeouts {
    let path = "push.workers.call_timeout";
    let call_timeout = reader.duration(path);
    if call_timeout.is_some_and(|timeout| timeout < StoreTimeouts::SHORTEST) {
        reader.problem(path, "may be no less than 10ms");
    }
    call_timeout.map_or_else(StoreTimeouts::default, StoreTimeouts::new)
}

/// Returns every limit that is a number, by its key.
pub(super) fn counts(policy: &mut Policy) -> [(&'static str, &mut usize); 20] {
    let (request, status) = (&mut policy.request, &mut policy.status);
    [
        ("push.workers.workers", &mut policy.workers),
        ("push.workers.max_queue", &mut policy.max_queue),
        (
            "policy.registrations_per_user",
            &mut policy.registrations_per_user,
        ),
        (
            "policy.in_flight_per_service",
            &mut policy.in_flight_per_service,
        ),
        ("policy.in_flight_at_first", &mut policy.in_flight_at_first),
        ("policy.in_flight_unproven", &mut policy.in_flight_unproven),
        (
            "policy.in_flight_unproven_per_user",
            &mut policy.in_flight_unproven_per_user,
        ),
        (
            "policy.in_flight_unanswered",
            &mut policy.in_flight_unanswered,
        ),
        (
            "policy.held_per_notification",
            &mut policy.held_per_notification,
        ),
        ("policy.retries_in_memory", &mut policy.retries_in_memory),
        ("policy.dedupe_entries", &mut policy.dedupe_entries),
        ("policy.max_service", &mut request.service),
        ("policy.max_node", &mut request.node),
        ("policy.max_fields", &mut request.fields),
        ("policy.max_options", &mut request.options),
        ("cache.bytes", &mut policy.cache_bytes),
        ("status.remove_refusals", &mut status.remove_refusals),
        ("status.remove_days", &mut status.remove_days),
        ("status.sudden_percent", &mut status.sudden_percent),
        ("status.sudden_users", &mut status.sudden_users),
    ]
}

/// Returns every time-out, by its key.
pub(super) fn durations(policy: &mut Policy) -> [(&'static str, &mut Duration); 14] {
    let status = &mut policy.status;
    [
        ("policy.publish_timeout", &mut policy.publish_timeout),
        ("policy.unproven_after", &mut policy.unproven_after),
        ("policy.breaker_pause", &mut policy.breaker_pause),
        ("policy.breaker_max_pause", &mut policy.breaker_max_pause),
        ("policy.retry_pause", &mut policy.retry_pause),
        ("policy.retry_max_pause", &mut policy.retry_max_pause),
        ("policy.wakeup_ttl", &mut policy.wakeup_ttl),
        ("policy.store_retry", &mut policy.store_retry),
        ("policy.dedupe_window", &mut policy.dedupe_window),
        ("policy.hello_interval", &mut policy.hello_interval),
        ("policy.ping_interval", &mut policy.ping_interval),
        ("status.quarantine_after", &mut status.quarantine_after),
        ("status.remove_after", &mut status.remove_after),
        ("status.unreachable_after", &mut status.unreachable_after),
    ]
}
