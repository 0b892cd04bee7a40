//! Deferred events outlive the service, and the server.

use super::super::{Own, stage_with};
use super::{DEFERRED, SHORT, misses, newest_of, told_of, told_once};
use push_tests::live::Result;
use push_tests::live::push_service::Reply;
use push_tests::live::slot::Slots;
use push_tests::live::stage::Stage;
use std::time::Duration;

#[tokio::test]
async fn what_is_deferred_when_the_service_is_killed_is_told() -> Result<()> {
    let mut stage = stage_with(SHORT).await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "a").await?);
    stage.push.leaves().await?;
    misses(&stage, &writer, &alice, 3).await?;
    stage.service.kill()?;
    stage.service.start_again().await?;
    // It is told of what waits, and cannot do anything about it yet.
    let from = stage.service.process()?.log_size()?;
    stage.service.logs(from, DEFERRED).await?;
    stage.push.returns().await?;
    told_once(&stage.push, "a", 3, "2").await
}

/// The push service takes its time to come back, as fpush does.
#[tokio::test]
async fn what_is_deferred_when_the_server_restarts_is_told() -> Result<()> {
    let mut server = Own::start().await?;
    let lease = Slots::new(0, 2).lease().await?;
    let stage = Stage::set(lease, server.ports(), SHORT).await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "a").await?);
    stage.push.answer(Reply::Nothing);
    writer.session.chat(&alice.jid, "unanswered").await?;
    stage.push.receives(1).await?;
    misses(&stage, &writer, &alice, 2).await?;
    stage.push.pauses_for(Duration::from_secs(3));
    stage.push.answer(Reply::Result);
    server.restart().await?;
    told_of(&stage.push, "a", 3).await?;
    let newest = newest_of(&stage.push, "a");
    // The one in flight was not deferred, and may be told by itself.
    let is_alone = newest == ["unanswered", "1"];
    assert!(is_alone || newest == ["1"], "{newest:?}");
    Ok(())
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
    for body in ["0", "1"] {
        writer.session.chat(&alice.jid, body).await?;
    }
    writer.settled().await?;
    stage.push.pauses_for(Duration::from_secs(5));
    server.restart().await?;
    stage.service.start_again().await?;
    told_once(&stage.push, "a", 2, "1").await
}
