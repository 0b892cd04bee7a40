//! The cost of one more event must not depend on how much else there is; memory depends on what waits alone.
//!
//! Counts, not times: they are the same on every machine.
#![expect(clippy::print_stdout, reason = "the figures are worth seeing")]

use push_core::Action;
use push_tests::world::load::{Load, Size, from_adapter};
use push_tests::world::xml::parse;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::sync::{Mutex, PoisonError};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The allocator counts for the whole process.
static ALONE: Mutex<()> = Mutex::new(());

const EVENTS: usize = 2_000;
/// How much one event may cost among ten thousand, in hundredths of what it costs among ten.
const RATIO: usize = 120;

fn alone<T>(measure: impl FnOnce() -> T) -> T {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    measure()
}

/// Allocations of all events, their publishes and outcomes.
fn allocations(size: Size) -> usize {
    let mut load = Load::new(size);
    let pairs: Vec<_> = (0..EVENTS).map(|n| load.pair(n)).collect();
    let region = Region::new(ALLOCATOR);
    for (event, outcome) in pairs {
        // The acknowledgement travels with the next publish.
        assert_eq!((load.tell(event), load.tell(outcome)), (1, 0));
    }
    region.change().allocations
}

fn grows_by(what: &str, size: impl Fn(usize) -> Size) {
    alone(|| {
        let (few, many) = (allocations(size(10)), allocations(size(10_000)));
        let each = (few / EVENTS, many / EVENTS);
        println!(
            "{what}: {} allocations for each push among 10, {} among 10,000",
            each.0, each.1
        );
        assert!(many * 100 <= few * RATIO, "{what}: {each:?}");
    });
}

#[test]
fn an_event_costs_the_same_among_many_hosts() {
    grows_by("hosts", |hosts| Size { hosts, ..Size::ONE });
}

#[test]
fn an_event_costs_the_same_among_many_push_services() {
    grows_by("push services", |services| Size {
        services,
        ..Size::ONE
    });
}

#[test]
fn an_event_costs_the_same_among_many_that_wait() {
    grows_by("pending events", |pending| Size {
        pending,
        ..Size::ONE
    });
}

/// Bytes in use since a moment.
fn in_use(region: &Region<'_, System>) -> usize {
    let change = region.change();
    let (taken, given) = (change.bytes_allocated, change.bytes_deallocated);
    taken.saturating_sub(given)
}

/// The most bytes in use while a burst of the same element is worked off, with nobody who does anything meanwhile.
fn burst(element: &str, count: usize) -> usize {
    let mut load = Load::new(Size::ONE);
    let stanza = parse(&from_adapter(element));
    let stanzas = vec![stanza; count];
    let region = Region::new(ALLOCATOR);
    let mut most = 0;
    load.burst(stanzas, |action: &Action| {
        std::hint::black_box(action);
        most = most.max(in_use(&region));
    });
    most
}

#[test]
fn a_burst_of_refused_requests_takes_memory_in_proportion() {
    let element = "<request xmlns='urn:x-xmpp-push:link' ref='1' user='alice'/>";
    alone(|| {
        let (some, many) = (burst(element, 10_000), burst(element, 80_000));
        println!("10,000 refused requests: {some} bytes, 80,000: {many}");
        assert!(many < 100 << 20, "{many}");
        assert!(many < some * 10, "{some} to {many}");
    });
}

#[test]
fn messages_that_are_joined_take_no_memory() {
    let tap = |n: usize| {
        format!(
            "<message from='host0.example.org' to='push.example.org/offline'><forwarded xmlns='urn:xmpp:forward:0'>\
             <message xmlns='jabber:client' type='chat' from='bob@example.com/x' to='user0@host0.example.org' id='{n}'>\
             <body>hi</body></message></forwarded></message>"
        )
    };
    alone(|| {
        // How each looked is remembered, within a bound of its own.
        let mut load = Load::with(Size::ONE, |settings| settings.policy.dedupe_entries = 500);
        // Without a stream nothing is sent, so that all of them wait.
        load.cut();
        load.tell(parse(&tap(0)));
        let region = Region::new(ALLOCATOR);
        for n in 1..20_000 {
            load.tell(parse(&tap(n)));
        }
        let kept = in_use(&region);
        println!("20,000 joined messages keep {kept} bytes");
        assert!(kept < 64 << 10, "{kept}");
    });
}
