//! Reloads of Prosody's own modules.

use push_tests::live::Result;
use push_tests::live::prosody::Prosody;
use push_tests::live::slot::Slots;
use push_tests::live::stage::{Script, Stage};

use super::config;

/// It leaves our connection open and no longer uses it: only silence tells.
#[tokio::test]
async fn a_reload_of_mod_component_is_survived() -> Result<()> {
    let server = Prosody::start(config(1)).await?;
    let lease = Slots::new(0, 1).lease().await?;
    let stage = Stage::set(lease, (&server).into(), Script::default()).await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    let from = stage.service.process()?.log_size()?;
    server
        .reload_module("component", &stage.slot().component())
        .await?;
    writer.session.chat(&alice.jid, "while it is deaf").await?;
    stage.service.logs(from, "adapter attached").await?;
    stage.push.receives(1).await?;
    writer.session.chat(&alice.jid, "afterwards").await?;
    stage.push.receives(2).await?;
    stage.push.stays_at(2).await
}
