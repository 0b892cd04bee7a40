//! The suite on Prosody with an archive (XEP-0313).

use push_tests::live::prosody::{Prosody, ProsodyConfig};
use push_tests::live::slot::{Lease, Slot, Slots};
use push_tests::live::stage::{Ports, Script, Stage};
use push_tests::live::{Failure, Result};
use tokio::sync::OnceCell;

#[path = "prosody/bounds.rs"]
mod bounds;
#[path = "prosody/broken.rs"]
mod broken;
/// Events that wait for a push service wait at the adapter, outside of the window.
#[path = "prosody/deferred"]
mod deferred {
    mod ended;
    mod faults;
    mod full;
    mod kept;
    pub(super) mod scene;
    mod told;
}
#[path = "prosody/offline.rs"]
mod offline;
#[path = "prosody/played.rs"]
mod played;
#[path = "prosody/refusal.rs"]
mod refusal;
#[path = "prosody/reload.rs"]
mod reload;
#[path = "prosody/stores.rs"]
mod stores;
#[path = "prosody/waiting.rs"]
mod waiting;

#[path = "suite"]
mod suite {
    use super::{Own, place, sharded, stage, stage_with};

    mod accounts;
    mod answers;
    mod deferral;
    mod elsewhere;
    mod faults;
    mod hibernated;
    mod identity;
    mod missed;
    mod posing;
    pub(super) mod privacy;
    mod registration;
    mod reload;
    mod restarts;
    mod revoked;
    mod rooms;
    mod service;
    pub(super) mod shards;
    mod signup;
    mod trust;
    mod unacknowledged;
}

// What differs between servers, and what differs between databases, is run with each; what concerns neither runs once a server.
#[cfg(feature = "postgres")]
#[path = "suite/instances"]
mod on_postgres {
    use super::{place, sharded_place, suite};
    use push_tests::database::postgres::{Database, fresh_database};

    mod changes;
    mod hang;
    mod pair;
    mod privacy;
    mod shards;
    mod takeover;
}

#[cfg(feature = "mongo")]
#[path = "suite/instances"]
mod on_mongo {
    use super::{place, sharded_place, suite};
    use push_tests::database::mongo::{Database, Server, fresh_database};
    use push_tests::live::Result;

    fn database_of(server: &Server) -> impl Future<Output = Result<Database>> {
        std::future::ready(Ok(server.fresh_database()))
    }

    mod away;
    mod pair;
    mod shards;
}

#[path = "suite/instances"]
mod on_sqlite {
    use super::place;
    use push_tests::database::sqlite::{Database, fresh_database};

    mod pair;
    mod takeover;
}

/// Slots of a shared server: more than tests run at once.
pub(super) const SLOTS: usize = 24;

/// Further ones, whose adapter knows two components.
const SHARDED: usize = 4;

/// The shared server. The kernel ends it with the test process.
static SHARED: OnceCell<Shared> = OnceCell::const_new();

struct Shared {
    server: Prosody,
    slots: Slots,
    sharded: Slots,
}

async fn shared() -> Result<&'static Shared> {
    let start = || async {
        let config = ProsodyConfig {
            sharded: SHARDED,
            ..config(SLOTS + SHARDED)
        };
        Ok::<_, Failure>(Shared {
            server: Prosody::start(config).await?,
            slots: Slots::new(0, SLOTS),
            sharded: Slots::new(SLOTS, SLOTS + SHARDED),
        })
    };
    SHARED.get_or_try_init(start).await
}

async fn stage() -> Result<Stage> {
    stage_with(Script::default()).await
}

async fn stage_with(script: Script) -> Result<Stage> {
    let (lease, ports) = place().await?;
    Stage::set(lease, ports, script).await
}

/// A slot, and where its server listens.
async fn place() -> Result<(Lease, Ports)> {
    let Shared { server, slots, .. } = shared().await?;
    Ok((slots.lease().await?, server.into()))
}

/// A stage whose host has two shards; its service is the first.
async fn sharded() -> Result<Stage> {
    let (lease, ports) = sharded_place().await?;
    Stage::set(lease, ports, Script::default()).await
}

/// A slot with two shards.
async fn sharded_place() -> Result<(Lease, Ports)> {
    let Shared {
        server, sharded, ..
    } = shared().await?;
    Ok((sharded.lease().await?, server.into()))
}

fn config(slots: usize) -> ProsodyConfig {
    ProsodyConfig {
        adapter: true,
        slots,
        mam: true,
        settings: "component_conflict_resolve = \"kick_old\"".to_owned(),
        ..ProsodyConfig::default()
    }
}

/// A server of a test's own, to restart, reload or break.
struct Own(Prosody);

impl Own {
    async fn start() -> Result<Self> {
        Ok(Self(Prosody::start(config(2)).await?))
    }

    /// The same, with one component for both hosts.
    async fn start_with_one_component() -> Result<Self> {
        let config = ProsodyConfig {
            adapter_component: Slot::new(0).component(),
            ..config(2)
        };
        Ok(Self(Prosody::start(config).await?))
    }

    /// The same, each adapter knowing both of its components.
    async fn start_sharded() -> Result<Self> {
        let config = ProsodyConfig {
            sharded: 2,
            ..config(2)
        };
        Ok(Self(Prosody::start(config).await?))
    }

    /// The same, connecting to other servers.
    async fn start_with_s2s() -> Result<Self> {
        let config = ProsodyConfig {
            s2s: true,
            ..config(1)
        };
        Ok(Self(Prosody::start(config).await?))
    }

    /// The same, with an adapter whose every hook fails.
    async fn start_broken() -> Result<Self> {
        let broken = broken::adapter()?;
        let config = ProsodyConfig {
            plugins: vec![broken.path().to_owned()],
            ..config(1)
        };
        Ok(Self(Prosody::start(config).await?))
    }

    fn ports(&self) -> Ports {
        (&self.0).into()
    }

    async fn restart(&mut self) -> Result<()> {
        self.0.restart().await
    }

    /// From the next reload or restart on, each adapter knows both of its components, or only the first.
    fn shard(&mut self, both: bool) {
        self.0.config.sharded = if both { self.0.config.slots } else { 0 };
    }

    /// Has the adapters of all hosts read their options.
    async fn reload(&self) -> Result<()> {
        self.0.reload_config().await?;
        for slot in (0..self.0.config.slots).map(Slot::new) {
            self.reload_adapter(&slot.host()).await?;
        }
        Ok(())
    }

    async fn reload_adapter(&self, host: &str) -> Result<()> {
        self.0.reload_module("xmpp_push", host).await
    }

    /// What it logs of a fault in the adapter.
    const FAULT: &str = broken::FAULT;

    /// Everything it has logged.
    fn log(&self) -> Result<String> {
        self.0.process()?.log_since(0)
    }

    /// What it logs when it could not connect to the server of this domain.
    fn unreachable(domain: &str) -> String {
        format!("failed outgoing connection to {domain}")
    }
}
