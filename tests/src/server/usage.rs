//! What the kernel counts of a process, thread by thread: finer than the ticks of `/proc/PID/stat`.

use super::{Context as _, Result};
use std::collections::HashMap;
use std::fs;
use std::time::Duration;

/// Processor time and voluntary context switches of each thread.
#[derive(Debug)]
pub struct Usage(HashMap<String, (Duration, u64)>);

impl Usage {
    /// The processor time spent so far.
    ///
    /// # Errors
    /// There is no such process.
    pub fn of(process: u32) -> Result<Self> {
        let mut threads = HashMap::new();
        for thread in fs::read_dir(format!("/proc/{process}/task"))? {
            let folder = thread?.path();
            // A thread may end meanwhile.
            let (Ok(schedule), Ok(status)) = (
                fs::read_to_string(folder.join("schedstat")),
                fs::read_to_string(folder.join("status")),
            ) else {
                continue;
            };
            let spent = schedule.split(' ').next().unwrap_or_default();
            let spent = spent.parse().context("schedstat")?;
            let switches = field(&status, "voluntary_ctxt_switches")?;
            let name = folder.display().to_string();
            threads.insert(name, (Duration::from_nanos(spent), switches));
        }
        Ok(Self(threads))
    }

    /// What was spent since an earlier look, by threads that are still there.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> (Duration, u64) {
        let mut sum = (Duration::ZERO, 0);
        for (thread, (spent, switches)) in &self.0 {
            let (before, switches_before) = earlier.0.get(thread).copied().unwrap_or_default();
            sum.0 += spent.saturating_sub(before);
            sum.1 += switches.saturating_sub(switches_before);
        }
        sum
    }
}

/// Memory that a process has, and its most so far, MB.
///
/// # Errors
/// There is no such process.
pub fn resident(process: u32) -> Result<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    Ok((
        field(&status, "VmRSS")? / 1000,
        field(&status, "VmHWM")? / 1000,
    ))
}

fn field(status: &str, name: &str) -> Result<u64> {
    let of = |line: &str| {
        Some(
            line.strip_prefix(name)?
                .strip_prefix(':')?
                .trim()
                .to_owned(),
        )
    };
    let value = status.lines().find_map(of).unwrap_or_default();
    value.trim_end_matches(" kB").parse().context(name)
}
