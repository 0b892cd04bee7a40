//! Two instances with one configuration, of which one is at work.

use super::{Database, place};
use push_tests::live::Result;
use push_tests::live::proxy::Proxy;
use push_tests::live::service::{Service, ServiceConfig};
use push_tests::live::slot::Slot;
use push_tests::live::stage::Stage;
use std::time::{Duration, Instant};

/// How long the holder of the lease may be silent.
pub(super) const LEASE: Duration = Duration::from_secs(2);

/// What the one logs that waits.
pub(super) const STANDS_BY: &str = "standing by: another instance holds the lease";

/// Both, each with a way of its own to the server. The stage's service is the first holder.
pub(super) struct Pair {
    pub(super) stage: Stage,
    pub(super) standby: Service,
    /// Of the stage's service, and of the standby.
    pub(super) ways: [Proxy; 2],
    _database: Database,
}

impl Pair {
    pub(super) async fn start(database: Database) -> Result<Self> {
        let (lease, ports) = place().await?;
        let slot = lease.slot;
        let ways = [
            Proxy::start(ports.component).await?,
            Proxy::start(ports.component).await?,
        ];
        let holder = config(slot, &ways[0], &database);
        let stage = Stage::with(lease, ports, &holder).await?;
        let standby = ServiceConfig {
            ready: STANDS_BY,
            ..config(slot, &ways[1], &database)
        };
        let pair = Self {
            standby: Service::start(&standby).await?,
            stage,
            ways,
            _database: database,
        };
        assert_eq!(pair.connections(), [1, 0]);
        Ok(pair)
    }

    /// How many connections each has opened so far.
    pub(super) fn connections(&self) -> [usize; 2] {
        [0, 1].map(|of| self.ways[of].connections())
    }
}

/// Says how long something took.
#[expect(clippy::print_stderr, reason = "measured for people")]
pub(super) fn within(longest: Duration, what: &str, since: Instant) {
    let took = since.elapsed();
    eprintln!("{what} after {took:?}, with a lease of {LEASE:?}");
    assert!(took < longest, "{what} after {took:?}, not {longest:?}");
}

fn config(slot: Slot, way: &Proxy, database: &Database) -> ServiceConfig {
    ServiceConfig {
        store: database.section(),
        more: format!(
            "[lease]\nenabled = true\nduration = {:?}\n",
            format!("{LEASE:?}")
        ) + QUICK,
        ..ServiceConfig::new(&[slot], way.port())
    }
}

/// Faults are noticed, and forgotten, soon.
pub(super) const QUICK: &str = r#"
[store.pool]
wait_timeout = "1s"
connect_timeout = "1s"
[push.workers]
call_timeout = "2s"
[policy]
store_retry = "300ms"
[log]
level = "debug"
"#;
