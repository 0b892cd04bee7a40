//! Works the Machine for a tool that counts instructions: `scripts/bench core` runs it twice and prints the difference.
//!
//!     core-bench hosts|services|pending|rules COUNT EVENTS

use push_tests::world::load::{Load, Size};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, count, events] = arguments.as_slice() else {
        return ExitCode::from(2);
    };
    let (Ok(count), Ok(events)) = (count.parse(), events.parse()) else {
        return ExitCode::from(2);
    };
    let size = match what.as_str() {
        "hosts" => Size {
            hosts: count,
            ..Size::ONE
        },
        "services" => Size {
            services: count,
            ..Size::ONE
        },
        "pending" => Size {
            pending: count,
            ..Size::ONE
        },
        "rules" => Size {
            rules: count,
            ..Size::ONE
        },
        _ => return ExitCode::from(2),
    };
    let mut load = Load::new(size);
    // All are made, whatever the number told: making them costs the same in every run.
    let pairs: Vec<_> = (0..MADE).map(|n| load.pair(n)).collect();
    for (event, outcome) in pairs.into_iter().take(events) {
        load.tell(event);
        load.tell(outcome);
    }
    ExitCode::SUCCESS
}

/// Events that are made for each run.
const MADE: usize = 3_000;
