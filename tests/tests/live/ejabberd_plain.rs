//! What does not need an archive, on ejabberd without one. It has `mod_privilege`, which looks at every component's IQs,
//! and gives what was not acknowledged back to its sender when a session ends.

use push_tests::live::ejabberd::{Ejabberd, EjabberdConfig};
use push_tests::live::slot::Slots;
use push_tests::live::stage::{Script, Stage};
use push_tests::live::{Failure, Result};
use tokio::sync::OnceCell;

use crate::ejabberd::SLOTS;

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
static SHARED: OnceCell<(Ejabberd, Slots)> = OnceCell::const_new();

async fn stage() -> Result<Stage> {
    stage_with(Script::default()).await
}

async fn stage_with(script: Script) -> Result<Stage> {
    let start = || async {
        let config = EjabberdConfig {
            adapter: true,
            slots: SLOTS,
            privilege: true,
            resend_on_timeout: "false",
            ..EjabberdConfig::default()
        };
        Ok::<_, Failure>((Ejabberd::start(config).await?, Slots::new(0, SLOTS)))
    };
    let (server, slots) = SHARED.get_or_try_init(start).await?;
    Stage::set(slots.lease().await?, server.into(), script).await
}
