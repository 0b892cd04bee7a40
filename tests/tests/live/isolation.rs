//! A push service that is silent holds up nobody else, and loses nothing: the program itself beside a server that is played.
//!
//! Counts alone, with long time-outs; times are measured by `scripts/bench isolation`.

use push_tests::live::Result;
use push_tests::live::program::binary;
use push_tests::played::Stage;
use std::time::{Duration, Instant};

const USERS: usize = 200;
/// Between two messages.
const INTERVAL: Duration = Duration::from_millis(10);
const MESSAGES: u32 = 600;
/// Of the program: a window that those who wait for silent push services would have filled in 3 s if they were not deferred,
/// until the time-out.
const SETTINGS: &str = "[push.workers]\nmax_queue = 60\n[policy]\npublish_timeout = \"10s\"\n";
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(10);
/// How long everything may take to be told when all answer again.
const RECOVERY: Duration = Duration::from_secs(60);

/// Two of ten push services are silent.
fn sick() -> Result<Stage> {
    let mut stage = Stage::set(&binary()?, SETTINGS)?;
    stage.enable(USERS)?;
    load(&mut stage, MESSAGES / 6)?;
    stage.services.silent = 2;
    Ok(stage)
}

/// So many messages, at even times.
fn load(stage: &mut Stage, messages: u32) -> Result<()> {
    let start = Instant::now();
    for number in 0..messages {
        stage.run(start + INTERVAL * number)?;
        stage.missed(number as usize % USERS);
    }
    Ok(())
}

#[test]
fn nobody_waits_for_somebody_elses_push_service() -> Result<()> {
    let mut stage = sick()?;
    let since = Instant::now();
    load(&mut stage, MESSAGES)?;
    let is_well = stage.services.is_well();
    stage.until("tells those who are well", PUBLISH_TIMEOUT, |stage| {
        stage.ledger.waiting(&is_well) == 0
    })?;
    let longest = stage.ledger.times(since, &is_well).percentile(100);
    assert!(longest < PUBLISH_TIMEOUT, "{longest:?}");
    assert!(stage.deferrals > 0);
    Ok(())
}

#[test]
fn what_waits_for_a_silent_push_service_outlives_kill_9() -> Result<()> {
    let mut stage = sick()?;
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
