//! What must not go wrong when something does.

use super::Own;
use push_tests::live::Result;
use push_tests::live::slot::Slots;
use push_tests::live::stage::{Script, Stage};
use std::time::Duration;

async fn staged(server: &Own) -> Result<Stage> {
    let slots = Slots::new(0, 1);
    Stage::set(slots.lease().await?, server.ports(), Script::default()).await
}

async fn logged(server: &Own, text: &str) -> Result<()> {
    for _ in 0..600 {
        if server.log()?.contains(text) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the server did not log {text:?}");
}

#[tokio::test]
async fn nothing_of_the_link_leaves_for_other_servers() -> Result<()> {
    let server = Own::start_with_s2s().await?;
    let mut stage = staged(&server).await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    stage.service.stop().await?;
    writer.session.chat(&alice.jid, "missed").await?;
    let refused = writer.enable(&stage, "n").await.unwrap_err().to_string();
    assert!(refused.starts_with("wait/service-unavailable"), "{refused}");
    // What does leave is seen to: here that takes a name that does not resolve.
    writer
        .session
        .chat("nobody@remote.invalid", "hello")
        .await?;
    logged(&server, &Own::unreachable("remote.invalid")).await?;
    let log = server.log()?;
    assert!(!log.contains(&Own::unreachable(&stage.slot().component())));
    stage.service.start_again().await?;
    stage.push.receives(1).await?;
    Ok(())
}

#[tokio::test]
async fn a_broken_adapter_harms_no_message() -> Result<()> {
    let server = Own::start_broken().await?;
    let stage = staged(&server).await?;
    let (writer, alice) = (stage.writer().await?, stage.registered("alice", "n").await?);
    writer.session.chat(&alice.jid, "online").await?;
    alice.session.receives("online").await?;
    alice.loses(&writer, "unacknowledged").await?;
    writer.session.chat(&alice.jid, "queued").await?;
    writer.settled().await?;
    alice.proxy.refuse(false);
    alice.puppet.process().resume()?;
    alice.session.lost().await?;
    alice.session.resume(alice.proxy.port()).await?;
    for text in ["unacknowledged", "queued"] {
        alice.session.receives(text).await?;
    }
    alice.session.close().await?;
    alice.session.lost().await?;
    writer.session.chat(&alice.jid, "offline").await?;
    writer.settled().await?;
    alice.back().await?;
    alice.session.receives("offline").await?;
    logged(&server, Own::FAULT).await
}
