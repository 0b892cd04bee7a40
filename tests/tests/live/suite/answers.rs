//! What the push service's answers do to the registration.

use super::stage;
use push_tests::live::Result;
use push_tests::live::push_service::Reply;
use push_tests::live::stage::Script;

#[tokio::test]
async fn cancel_ends_the_registration() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    stage.push.answer(Reply::Error("cancel", "item-not-found"));
    writer.session.chat(&alice.jid, "one").await?;
    stage.push.receives(1).await?;
    stage.service.logs(0, "registration ended").await?;
    stage.push.answer(Reply::Result);
    writer.session.chat(&alice.jid, "two").await?;
    stage.push.stays_at(1).await
}

#[tokio::test]
async fn wait_keeps_the_registration() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    stage
        .push
        .answer(Reply::Error("wait", "internal-server-error"));
    writer.session.chat(&alice.jid, "one").await?;
    stage.push.receives(1).await?;
    stage.push.answer(Reply::Result);
    writer.session.chat(&alice.jid, "two").await?;
    stage.push.receives(2).await?;
    Ok(())
}

#[tokio::test]
async fn silence_keeps_the_registration() -> Result<()> {
    let script = Script {
        config: "[policy]\npublish_timeout = \"1s\"",
        ..Script::default()
    };
    let stage = super::stage_with(script).await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    stage.push.answer(Reply::Nothing);
    writer.session.chat(&alice.jid, "one").await?;
    stage.push.receives(1).await?;
    stage.service.logs(0, "TimedOut").await?;
    stage.push.answer(Reply::Result);
    writer.session.chat(&alice.jid, "two").await?;
    stage.push.receives(2).await?;
    Ok(())
}

#[tokio::test]
async fn a_push_service_that_is_down_keeps_the_registration() -> Result<()> {
    let mut stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    let jid = stage.push.jid().to_owned();
    let down = push_tests::live::push_service::PushService::connect;
    stage.push.disconnect();
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    writer.session.chat(&alice.jid, "one").await?;
    stage.service.logs(0, "publish ended").await?;
    stage.push = down(&jid, stage.ports.push_service).await?;
    writer.session.chat(&alice.jid, "two").await?;
    stage.push.receives_at_least(1).await?;
    Ok(())
}
