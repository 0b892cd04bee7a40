//! The suite on Prosody.

use push_tests::live::Result;
use push_tests::live::prosody::{Prosody, ProsodyConfig};
use push_tests::live::slot::{Slot, Slots};
use push_tests::live::stage::{Ports, Script, Stage};
use tokio::sync::OnceCell;

#[path = "suite/mod.rs"]
mod suite;

/// Slots of the shared server: more than tests run at once.
const SLOTS: usize = 24;

/// The shared server. The kernel ends it with the test process.
static SHARED: OnceCell<(Prosody, Slots)> = OnceCell::const_new();

async fn stage() -> Result<Stage> {
    stage_with(Script::default()).await
}

async fn stage_with(script: Script) -> Result<Stage> {
    let start = || async {
        let config = ProsodyConfig {
            adapter: true,
            slots: SLOTS,
            mam: true,
            ..ProsodyConfig::default()
        };
        Ok::<_, push_tests::live::Failure>((Prosody::start(config).await?, Slots::new(0, SLOTS)))
    };
    let (server, slots) = SHARED.get_or_try_init(start).await?;
    Stage::set(slots.lease().await?, ports(server), script).await
}

fn ports(server: &Prosody) -> Ports {
    let ports = server.ports();
    Ports {
        c2s: ports.c2s,
        component: ports.component,
        push_service: ports.component,
    }
}

/// A server of a test's own, to restart or reload.
struct Own(Prosody);

impl Own {
    async fn start() -> Result<Self> {
        let config = ProsodyConfig {
            adapter: true,
            slots: 2,
            mam: true,
            ..ProsodyConfig::default()
        };
        Ok(Self(Prosody::start(config).await?))
    }

    /// The same, with one component for both hosts.
    async fn start_with_one_component() -> Result<Self> {
        let host_settings = format!("xmpp_push_component = {:?}", Slot::new(0).component());
        let config = ProsodyConfig {
            adapter: true,
            slots: 2,
            host_settings,
            ..ProsodyConfig::default()
        };
        Ok(Self(Prosody::start(config).await?))
    }

    fn ports(&self) -> Ports {
        ports(&self.0)
    }

    async fn restart(&mut self) -> Result<()> {
        self.0.restart().await
    }

    async fn reload_adapter(&self, host: &str) -> Result<()> {
        self.0.reload_module("xmpp_push", host).await
    }
}
