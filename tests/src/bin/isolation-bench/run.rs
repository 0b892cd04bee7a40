//! One run: a service, its users, and push services that fall silent.

use push_tests::played::{Load, Stage, Times};
use push_tests::server::Result;
use push_tests::server::usage::{Usage, resident};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long the last publishes to those that are well may take.
const REST: Duration = Duration::from_secs(60);
/// How long everything may take to be told when all answer again: the longest pause of the service, and its time-outs.
const RECOVERY: Duration = Duration::from_secs(600);

/// One run.
pub(crate) struct Run {
    pub(crate) users: usize,
    pub(crate) time: Duration,
    pub(crate) silent_from: Duration,
    pub(crate) rate: u32,
    pub(crate) kill: bool,
    pub(crate) program: PathBuf,
}

/// The result of a run.
pub(crate) struct Outcome {
    silent: usize,
    times: Times,
    /// Users of push services that are well who were not told in the end.
    untold: usize,
    deferrals: u64,
    /// Memory at its most, MB.
    peak: u64,
    cost: Cost,
}

enum Cost {
    /// Processor time of the service for each message, since the silence.
    Each(Duration),
    /// After a kill, how long it took until everything was accepted, once all answered again.
    Recovery(Duration),
}

impl Outcome {
    pub(crate) const HEADER: &'static str =
        "silent | measured |      p50 |      p99 |      max | never | deferred | peak MB | cost";

    pub(crate) fn p99(&self) -> Duration {
        self.times.percentile(99)
    }

    pub(crate) fn line(&self) -> String {
        let time = |hundredths| format!("{:.1?}", self.times.percentile(hundredths));
        let cost = match self.cost {
            Cost::Each(each) => format!("{each:.1?} CPU an event"),
            Cost::Recovery(time) => format!("all told {time:.1?} after the silence"),
        };
        format!(
            "{:6} | {:8} | {:>8} | {:>8} | {:>8} | {:5} | {:8} | {:7} | {cost}",
            self.silent,
            self.times.count(),
            time(50),
            time(99),
            time(100),
            self.untold,
            self.deferrals,
            self.peak
        )
    }
}

impl Run {
    pub(crate) fn measure(&self, silent: usize) -> Result<Outcome> {
        let mut stage = Stage::set(&self.program, "")?;
        stage.enable(self.users)?;
        let mut load = Load::new(Duration::from_secs(1) / self.rate, self.users);
        stage.load(&mut load, self.silent_from)?;
        stage.services.silent = silent;
        let (since, usage) = (Instant::now(), Usage::of(stage.process())?);
        let mut peak = 0;
        if self.kill {
            stage.load(&mut load, (self.silent_from + self.time) / 2)?;
            peak = resident(stage.process())?.1;
            stage.kill()?;
        }
        stage.load(&mut load, self.time)?;
        let (spent, _) = Usage::of(stage.process())?.since(&usage);
        let is_well = stage.services.is_well();
        finish(&mut stage, &is_well)?;
        let untold = stage.ledger.waiting(&is_well);
        let cost = if self.kill {
            Cost::Recovery(recover(&mut stage)?)
        } else {
            let time = self.time.saturating_sub(self.silent_from);
            Cost::Each(spent.div_f64(time.as_secs_f64() * f64::from(self.rate)))
        };
        Ok(Outcome {
            silent,
            times: stage.ledger.times(since, is_well),
            untold,
            deferrals: stage.deferrals,
            peak: resident(stage.process())?.1.max(peak),
            cost,
        })
    }
}

/// Waits for the last publishes.
fn finish(stage: &mut Stage, is_meant: &impl Fn(usize) -> bool) -> Result<()> {
    let end = Instant::now() + REST;
    while stage.ledger.waiting(is_meant) > 0 && Instant::now() < end {
        stage.run(Instant::now() + Duration::from_millis(10))?;
    }
    Ok(())
}

/// All push services answer again: nothing may be lost. Returns how long it took.
fn recover(stage: &mut Stage) -> Result<Duration> {
    stage.services.silent = 0;
    let start = Instant::now();
    stage.until("tells everything", RECOVERY, |stage| {
        stage.ledger.untold() == 0
    })?;
    Ok(start.elapsed())
}
