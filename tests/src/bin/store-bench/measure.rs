//! One operation, many callers.

use crate::Result;
use crate::fill::{DEVICES, account, device, owner};
use crate::place::Store;
use push_core::Timestamp;
use push_core::registration::{Status, Trouble};
use push_core::store::Committed;
use push_tests::store::{enable, jid, remove_owner, settle};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[derive(Clone, Copy)]
pub(crate) enum Operation {
    /// One account.
    Load,
    /// An owner's first device again, with a later revision.
    Enable,
    /// How their second device fares.
    Settle,
    /// A user with all devices; who then comes back, which is not measured.
    RemoveUser,
}

pub(crate) const OPERATIONS: [Operation; 4] = [
    Operation::Load,
    Operation::Enable,
    Operation::Settle,
    Operation::RemoveUser,
];

impl Operation {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Enable => "enable",
            Self::Settle => "settle",
            Self::RemoveUser => "remove-user",
        }
    }

    /// Does it for one owner. Returns how long it took; an answer other than it must be is an error.
    async fn run(self, store: &Store, index: u64) -> Result<Duration> {
        let owner = owner(index);
        let start = Instant::now();
        let as_it_must = match self {
            Self::Load => {
                let loaded = store.load(&[jid(&owner)]).await?;
                loaded.accounts[0].registrations.len() as u64 == DEVICES
            }
            Self::Enable => {
                let change = enable(&owner, &device(0, revision()));
                store.commit(&[change]).await? == [Committed::Enabled]
            }
            Self::Settle => {
                let at = Timestamp::from_millis(revision());
                let status = Status::Failing(Trouble {
                    since: at,
                    last: at,
                    days: 1,
                    refusals: 1,
                });
                let change = settle(&owner, &device(1, 1).target, 1, status);
                store.commit(&[change]).await? == [Committed::Settled]
            }
            Self::RemoveUser => {
                let removed = store.commit(&[remove_owner(&owner)]).await?;
                removed[0].removed() as u64 == DEVICES
            }
        };
        let took = start.elapsed();
        if matches!(self, Self::RemoveUser) {
            store.commit(&account(index)).await?;
        }
        if as_it_must {
            Ok(took)
        } else {
            Err(format!("{} of {owner} went wrong", self.name()).into())
        }
    }
}

/// Later than all before.
fn revision() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(2);
    LAST.fetch_add(1, Ordering::Relaxed)
}

/// How long each took, of so many callers; sorted.
#[derive(Clone)]
pub(crate) struct Measured {
    took: Vec<Duration>,
    callers: u64,
}

impl Measured {
    /// Operations a second: each caller does one after the other.
    pub(crate) fn rate(&self) -> f64 {
        let busy: Duration = self.took.iter().sum();
        let count = u32::try_from(self.took.len()).unwrap_or(u32::MAX);
        f64::from(count) * f64::from(u32::try_from(self.callers).unwrap_or(u32::MAX))
            / busy.as_secs_f64()
    }

    /// Those of several turns.
    pub(crate) fn joined(turns: &[Self]) -> Self {
        let mut took: Vec<Duration> = turns.iter().flat_map(|turn| &turn.took).copied().collect();
        took.sort_unstable();
        Self {
            took,
            callers: turns.first().map_or(1, |turn| turn.callers),
        }
    }

    fn percentile(&self, percent: usize) -> f64 {
        self.took[self.took.len() * percent / 100].as_secs_f64() * 1000.0
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rate, p50, p99) = (self.rate(), self.percentile(50), self.percentile(99));
        write!(f, "{rate:6.0}/s p50 {p50:.2} p99 {p99:.2} ms")
    }
}

/// `callers` ask for `time`, each about owners of its own all over the store.
pub(crate) async fn measure(
    operation: Operation,
    store: &Store,
    size: u64,
    callers: u64,
    time: Duration,
) -> Result<Measured> {
    let owners = size / DEVICES;
    let end = Instant::now() + time;
    let calls: Vec<_> = (0..callers)
        .map(|caller| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let mut took = Vec::new();
                let share = owners / callers;
                let mut at = 0_u64;
                while Instant::now() < end {
                    // Weyl's sequence: spread, and no random numbers to pay for.
                    at = at.wrapping_add(0x9E37_79B9_7F4A_7C15);
                    let index = caller + (at % share) * callers;
                    took.push(operation.run(&store, index).await?);
                }
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(took)
            })
        })
        .collect();
    let mut took = Vec::new();
    for call in calls {
        took.extend(call.await??);
    }
    took.sort_unstable();
    Ok(Measured { took, callers })
}
