//! A push service that is silent holds up nobody else, and loses nothing: the program itself beside a server that is played.
//!
//! The bounds leave room for a machine that does much else; times are measured by `scripts/bench isolation`.

use push_tests::live::Result;
use push_tests::live::program::binary;
use push_tests::played::{Load, Stage};
use push_tests::world::{Adapter, HOST};
use std::time::{Duration, Instant};

const USERS: usize = 200;
/// Between two messages.
const INTERVAL: Duration = Duration::from_millis(10);
const MESSAGES: u32 = 600;
/// Of the program: a window that those who wait for silent push services would have filled in 3 s if they were not deferred,
/// until the time-out.
const SETTINGS: &str = "[push.workers]\nmax_queue = 60\n[policy]\npublish_timeout = \"10s\"\n";
/// How long everything may take to be told when all answer again.
const RECOVERY: Duration = Duration::from_secs(60);

/// How long those who are well may wait. Milliseconds are what it takes, seconds what a full window costs.
const AT_ONCE: Duration = Duration::from_secs(3);

/// Two of ten push services are silent.
fn sick(adapter: Adapter) -> Result<Stage> {
    let mut stage = Stage::beside(adapter, &binary()?, SETTINGS)?;
    stage.enable(USERS)?;
    load(&mut stage, MESSAGES / 6)?;
    stage.services.silent = 2;
    Ok(stage)
}

/// So many messages, at even times.
fn load(stage: &mut Stage, messages: u32) -> Result<()> {
    stage.load(&mut Load::new(INTERVAL, USERS), INTERVAL * messages)
}

/// The longest that those who are well have waited while the others are silent, or still wait.
fn longest(stage: &mut Stage) -> Result<Duration> {
    let since = Instant::now();
    load(stage, MESSAGES)?;
    stage.run(Instant::now() + AT_ONCE)?;
    Ok(stage.ledger.longest(since, stage.services.is_well()))
}

#[test]
fn nobody_waits_for_somebody_elses_push_service() -> Result<()> {
    let mut stage = sick(Adapter::new(HOST))?;
    let longest = longest(&mut stage)?;
    assert!(longest < AT_ONCE, "{longest:?}");
    assert!(stage.deferrals > 0);
    Ok(())
}

#[test]
fn beside_an_adapter_that_cannot_defer_everybody_waits() -> Result<()> {
    let mut adapter = Adapter::new(HOST);
    adapter.max_deferred = 0;
    let mut stage = sick(adapter)?;
    let longest = longest(&mut stage)?;
    assert!(longest > AT_ONCE, "{longest:?}");
    assert_eq!(stage.deferrals, 0);
    Ok(())
}

#[test]
fn what_waits_for_a_silent_push_service_outlives_kill_9() -> Result<()> {
    let mut stage = sick(Adapter::new(HOST))?;
    load(&mut stage, MESSAGES)?;
    assert!(stage.ledger.untold() > 0 && stage.deferrals > 0);
    stage.kill()?;
    // Before the next one has met the silence: it tries again after half a minute.
    stage.services.silent = 0;
    load(&mut stage, MESSAGES / 6)?;
    stage.until("tells everything", RECOVERY, |stage| {
        stage.ledger.untold() == 0
    })
}
