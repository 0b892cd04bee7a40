//! The suite on ejabberd.

use push_tests::live::Result;
use push_tests::live::ejabberd::{Ejabberd, EjabberdConfig};
use push_tests::live::slot::{Slot, Slots};
use push_tests::live::stage::{Ports, Script, Stage};
use tokio::sync::OnceCell;

#[path = "suite/mod.rs"]
mod suite;

/// Slots of the shared server: more than tests run at once.
const SLOTS: usize = 24;

/// The shared server. The kernel ends it with the test process.
static SHARED: OnceCell<(Ejabberd, Slots)> = OnceCell::const_new();

async fn stage() -> Result<Stage> {
    stage_with(Script::default()).await
}

async fn stage_with(script: Script) -> Result<Stage> {
    let start = || async {
        let config = EjabberdConfig {
            adapter: true,
            slots: SLOTS,
            mam: true,
            ..EjabberdConfig::default()
        };
        Ok::<_, push_tests::live::Failure>((Ejabberd::start(config).await?, Slots::new(0, SLOTS)))
    };
    let (server, slots) = SHARED.get_or_try_init(start).await?;
    Stage::set(slots.lease().await?, ports(server), script).await
}

fn ports(server: &Ejabberd) -> Ports {
    let ports = server.ports();
    Ports {
        c2s: ports.c2s,
        component: ports.component,
        push_service: ports.push_service,
    }
}

/// A server of a test's own, to restart or reload.
struct Own(Ejabberd);

impl Own {
    async fn start() -> Result<Self> {
        let config = EjabberdConfig {
            adapter: true,
            slots: 2,
            mam: true,
            ..EjabberdConfig::default()
        };
        Ok(Self(Ejabberd::start(config).await?))
    }

    /// The same, with one component for both hosts.
    async fn start_with_one_component() -> Result<Self> {
        let adapter_component = Slot::new(0).component();
        let config = EjabberdConfig {
            adapter: true,
            slots: 2,
            adapter_component,
            ..EjabberdConfig::default()
        };
        Ok(Self(Ejabberd::start(config).await?))
    }

    fn ports(&self) -> Ports {
        ports(&self.0)
    }

    async fn restart(&mut self) -> Result<()> {
        self.0.restart().await
    }

    async fn reload_adapter(&self, host: &str) -> Result<()> {
        self.0.restart_module("mod_xmpp_push", host).await
    }
}
