//! The suite on ejabberd with an archive (XEP-0313), which sends what was not acknowledged anew when a session ends.

use push_tests::live::ejabberd::{Ejabberd, EjabberdConfig};
use push_tests::live::slot::{Lease, Slot, Slots};
use push_tests::live::stage::{Ports, Script, Stage};
use push_tests::live::{Failure, Result};
use tokio::sync::OnceCell;

#[path = "ejabberd/accounts.rs"]
mod accounts;
#[path = "ejabberd/broken.rs"]
mod broken;
#[path = "ejabberd/deferred.rs"]
mod deferred;
#[path = "ejabberd/deferring.rs"]
mod deferring;
#[path = "ejabberd/durable.rs"]
mod durable;
#[path = "ejabberd/ended.rs"]
mod ended;
#[path = "ejabberd/forged.rs"]
mod forged;
#[path = "ejabberd/kept.rs"]
mod kept;
#[path = "ejabberd/links.rs"]
mod links;
#[path = "ejabberd/log.rs"]
mod log;
#[path = "ejabberd/mucsub.rs"]
mod mucsub;
#[path = "ejabberd/played.rs"]
mod played;
#[path = "ejabberd/publishes.rs"]
mod publishes;
#[path = "ejabberd/refusal.rs"]
mod refusal;
#[path = "ejabberd/share.rs"]
mod share;
#[path = "ejabberd/start.rs"]
mod start;
#[path = "ejabberd/upgrade.rs"]
mod upgrade;
#[path = "ejabberd/withdrawn.rs"]
mod withdrawn;

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
    pub(super) mod posing;
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
#[cfg(feature = "mongo")]
#[path = "suite/instances"]
mod on_mongo {
    use super::{place, sharded_place, suite};
    use push_tests::database::mongo::{Database, fresh_database};

    mod changes;
    mod hang;
    mod pair;
    mod privacy;
    mod shards;
    mod takeover;
}

#[cfg(feature = "postgres")]
#[path = "suite/instances"]
mod on_postgres {
    use super::{place, sharded_place, suite};
    use push_tests::database::postgres::{Cluster as Server, Database, fresh_database};
    use push_tests::live::Result;

    async fn database_of(server: &Server) -> Result<Database> {
        server.fresh_database().await
    }

    mod away;
    mod pair;
    mod shards;
}

/// Slots of a shared server: more than tests run at once.
pub(super) const SLOTS: usize = 24;

/// Further ones, whose adapter knows two components.
const SHARDED: usize = 4;

/// The shared server. The kernel ends it with the test process.
static SHARED: OnceCell<Shared> = OnceCell::const_new();

struct Shared {
    server: Ejabberd,
    slots: Slots,
    sharded: Slots,
}

async fn shared() -> Result<&'static Shared> {
    let start = || async {
        let config = EjabberdConfig {
            sharded: SHARDED,
            ..config(SLOTS + SHARDED)
        };
        Ok::<_, Failure>(Shared {
            server: Ejabberd::start(config).await?,
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

fn config(slots: usize) -> EjabberdConfig {
    EjabberdConfig {
        adapter: true,
        slots,
        mam: true,
        resend_on_timeout: "if_offline",
        ..EjabberdConfig::default()
    }
}

/// A server of a test's own, to restart, reload or break.
struct Own(Ejabberd);

impl Own {
    async fn start() -> Result<Self> {
        Ok(Self(Ejabberd::start(config(2)).await?))
    }

    /// The same, with one component for both hosts.
    async fn start_with_one_component() -> Result<Self> {
        let config = EjabberdConfig {
            adapter_component: Slot::new(0).component(),
            ..config(2)
        };
        Ok(Self(Ejabberd::start(config).await?))
    }

    /// The same, each adapter knowing both of its components.
    async fn start_sharded() -> Result<Self> {
        let config = EjabberdConfig {
            sharded: 2,
            ..config(2)
        };
        Ok(Self(Ejabberd::start(config).await?))
    }

    /// The same, with a command that kills a process.
    async fn start_with_killer() -> Result<Self> {
        let config = EjabberdConfig {
            sharded: 2,
            modules: vec![links::killer()],
            global_modules: "mod_test_killer: {}".to_owned(),
            ..config(2)
        };
        Ok(Self(Ejabberd::start(config).await?))
    }

    /// The same, connecting to other servers.
    async fn start_with_s2s() -> Result<Self> {
        let config = EjabberdConfig {
            s2s: true,
            ..config(1)
        };
        Ok(Self(Ejabberd::start(config).await?))
    }

    /// The same, with an adapter whose every hook fails.
    async fn start_broken() -> Result<Self> {
        let broken = broken::adapter()?;
        let config = EjabberdConfig {
            modules: vec![broken.path().to_owned()],
            ..config(1)
        };
        Ok(Self(Ejabberd::start(config).await?))
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
        self.0.reload_config().await
    }

    async fn reload_adapter(&self, host: &str) -> Result<()> {
        self.0.restart_module("mod_xmpp_push", host).await
    }

    /// What it logs of a fault in the adapter.
    const FAULT: &str = broken::FAULT;

    /// Everything it has logged.
    fn log(&self) -> Result<String> {
        self.0.process()?.log_since(0)
    }

    /// What it logs when it could not connect to the server of this domain.
    fn unreachable(domain: &str) -> String {
        format!("-> {domain}")
    }
}
