//! Events that wait for a push service, with the program: though either side is killed meanwhile, the device is told once.

use super::config;
use push_tests::live::Result;
use push_tests::live::prosody::{Prosody, ProsodyConfig};
use push_tests::live::push_service::Reply;
use push_tests::live::slot::Slots;
use push_tests::live::stage::{Client, Script, Stage};
use std::time::Duration;

/// A user whose push service has told to wait, once; their event is deferred.
async fn deferred() -> Result<(Prosody, Stage, Client)> {
    let server = Prosody::start(ProsodyConfig {
        host_settings: "xmpp_push_deferred_interval = 1".to_owned(),
        ..config(1)
    })
    .await?;
    let lease = Slots::new(0, 1).lease().await?;
    let stage = Stage::set(lease, (&server).into(), Script::default()).await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    let busy = Reply::Error("wait", "resource-constraint");
    stage.push.answer(busy);
    writer.session.chat(&alice.jid, "hello").await?;
    stage.push.receives(1).await?;
    // It is tried again after 30 s, and written down after one.
    stage.push.answer(Reply::Result);
    tokio::time::sleep(Duration::from_secs(3)).await;
    stage.push.receives(1).await?;
    Ok((server, stage, alice))
}

#[tokio::test]
async fn what_waits_for_a_push_service_survives_the_death_of_the_server() -> Result<()> {
    let (mut server, stage, _alice) = deferred().await?;
    server.kill()?;
    server.start_again().await?;
    stage.push.connected().await?;
    stage.push.receives(2).await?;
    stage.push.stays_at(2).await
}

#[tokio::test]
async fn what_waits_for_a_push_service_survives_a_restart_of_the_server() -> Result<()> {
    let (mut server, stage, _alice) = deferred().await?;
    server.restart().await?;
    stage.push.connected().await?;
    stage.push.receives(2).await?;
    stage.push.stays_at(2).await
}

#[tokio::test]
async fn what_waits_for_a_push_service_survives_the_death_of_the_service() -> Result<()> {
    let (_server, mut stage, _alice) = deferred().await?;
    stage.service.kill()?;
    stage.service.start_again().await?;
    stage.push.receives(2).await?;
    stage.push.stays_at(2).await
}

#[tokio::test]
async fn what_waits_for_a_push_service_is_not_told_to_a_device_that_is_back() -> Result<()> {
    let (_server, mut stage, alice) = deferred().await?;
    alice.back().await?;
    alice.session.receives("hello").await?;
    stage.service.kill()?;
    stage.service.start_again().await?;
    stage.push.stays_at(1).await
}
