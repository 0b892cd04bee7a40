//! Deferred events outlive the service, and the server.

use super::super::{Own, stage_with};
use super::{SHORT, misses};
use push_tests::live::Result;
use push_tests::live::push_service::{Reply, told};
use push_tests::live::slot::Slots;
use push_tests::live::stage::Stage;
use std::time::Duration;

/// At least so often: what is told twice is better than what is not.
async fn told_of_at_least(stage: &Stage, node: &str, count: u64) -> Result<()> {
    let enough = |got: &[_]| told(got, node) >= count;
    stage.push.receives_until(enough).await.map(drop)
}

#[tokio::test]
async fn what_is_deferred_when_the_service_is_killed_is_told() -> Result<()> {
    let mut stage = stage_with(SHORT).await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "a").await?);
    stage.push.leaves().await?;
    misses(&writer, &alice, 3).await?;
    stage.service.kill()?;
    stage.service.start_again().await?;
    // It is told of what waits, and cannot do anything about it yet.
    tokio::time::sleep(Duration::from_secs(1)).await;
    stage.push.returns().await?;
    told_of_at_least(&stage, "a", 3).await
}

/// The push service takes its time to come back, as fpush does.
#[tokio::test]
async fn what_is_deferred_when_the_server_restarts_is_told() -> Result<()> {
    let mut server = Own::start().await?;
    let lease = Slots::new(0, 2).lease().await?;
    let stage = Stage::set(lease, server.ports(), SHORT).await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "a").await?);
    stage.push.answer(Reply::Nothing);
    misses(&writer, &alice, 3).await?;
    stage.push.pauses_for(Duration::from_secs(3));
    stage.push.answer(Reply::Result);
    server.restart().await?;
    told_of_at_least(&stage, "a", 3).await
}

/// As above, for what the adapter kept while there was no service.
#[tokio::test]
async fn a_push_service_that_returns_after_the_server_and_the_service_gets_what_was_kept()
-> Result<()> {
    let mut server = Own::start().await?;
    let lease = Slots::new(0, 2).lease().await?;
    let mut stage = Stage::set(lease, server.ports(), SHORT).await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "a").await?);
    stage.service.stop().await?;
    misses(&writer, &alice, 2).await?;
    stage.push.pauses_for(Duration::from_secs(5));
    server.restart().await?;
    stage.service.start_again().await?;
    told_of_at_least(&stage, "a", 2).await
}
