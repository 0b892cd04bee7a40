//! What does not need an archive, on Prosody without one: it keeps messages in its offline storage.

use push_tests::live::prosody::{Prosody, ProsodyConfig};
use push_tests::live::slot::Slots;
use push_tests::live::stage::{Script, Stage};
use push_tests::live::{Failure, Result};
use tokio::sync::OnceCell;

use crate::prosody::SLOTS;

#[path = "suite"]
mod suite {
    use super::{stage, stage_with};

    mod accounts;
    mod answers;
    mod hibernated;
    mod identity;
    mod missed;
    mod registration;
    mod unacknowledged;
}

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
            ..ProsodyConfig::default()
        };
        Ok::<_, Failure>((Prosody::start(config).await?, Slots::new(0, SLOTS)))
    };
    let (server, slots) = SHARED.get_or_try_init(start).await?;
    Stage::set(slots.lease().await?, server.into(), script).await
}
