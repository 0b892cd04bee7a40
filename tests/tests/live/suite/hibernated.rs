//! Sessions that wait for resumption (XEP-0198).

use super::stage;
use push_tests::live::Result;
use push_tests::live::stage::{Client, Stage};
use std::time::Duration;

/// The client stands still, so that it acknowledges nothing; its connection is cut once `text` was sent to it.
async fn loses(stage: &Stage, phone: &Client, writer: &Client, text: &str) -> Result<()> {
    phone.puppet.process().stop()?;
    writer.session.chat(&phone.jid, text).await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    stage.push.stays_at(stage.push.got().len()).await?;
    phone.proxy.refuse(true);
    phone.proxy.cut();
    Ok(())
}

#[tokio::test]
async fn unacknowledged_and_queued_messages_are_told_at_once_and_once() -> Result<()> {
    let stage = stage().await?;
    let (writer, phone) = (stage.writer().await?, stage.registered("alice", "n").await?);
    loses(&stage, &phone, &writer, "unacknowledged").await?;
    stage.push.receives(1).await?;
    writer.session.chat(&phone.jid, "queued").await?;
    stage.push.receives(2).await?;
    // The resumption window of the tests' servers is 6 s: what they say again at its end is not told again.
    tokio::time::sleep(Duration::from_secs(8)).await;
    stage.push.stays_at(2).await
}

#[tokio::test]
async fn of_two_phones_only_the_hibernated_one_is_told() -> Result<()> {
    let stage = stage().await?;
    let (writer, phone) = (
        stage.writer().await?,
        stage.registered("alice", "hibernated").await?,
    );
    let other = stage.another(&phone, "tablet").await?.available().await?;
    other.enable(&stage, "live").await?;
    phone.session.carbons().await?;
    other.session.carbons().await?;
    loses(&stage, &phone, &writer, "hello").await?;
    other.session.receives("hello").await?;
    let got = stage.push.receives(1).await?;
    assert_eq!(got[0].node, "hibernated");
    stage.push.stays_at(1).await
}

#[tokio::test]
async fn a_carbon_to_a_hibernated_phone_wakes_it() -> Result<()> {
    let stage = stage().await?;
    let (writer, phone) = (stage.writer().await?, stage.registered("alice", "n").await?);
    phone.session.carbons().await?;
    phone.session.available(-1).await?;
    let laptop = stage.another(&phone, "laptop").await?.available().await?;
    phone.proxy.refuse(true);
    phone.proxy.cut();
    tokio::time::sleep(Duration::from_millis(500)).await;
    writer
        .session
        .chat(&format!("{}/laptop", phone.jid), "hello")
        .await?;
    laptop.session.receives("hello").await?;
    stage.push.receives(1).await?;
    stage.push.stays_at(1).await
}

#[tokio::test]
async fn what_the_user_sends_elsewhere_wakes_nobody() -> Result<()> {
    let stage = stage().await?;
    let (writer, phone) = (stage.writer().await?, stage.registered("alice", "n").await?);
    phone.session.carbons().await?;
    let laptop = stage.another(&phone, "laptop").await?.available().await?;
    phone.proxy.refuse(true);
    phone.proxy.cut();
    tokio::time::sleep(Duration::from_millis(500)).await;
    laptop.session.chat(&writer.jid, "from the laptop").await?;
    writer.session.receives("from the laptop").await?;
    stage.push.stays_at(0).await
}

#[tokio::test]
async fn a_phone_that_resumed_is_left_alone() -> Result<()> {
    let stage = stage().await?;
    let (writer, phone) = (stage.writer().await?, stage.registered("alice", "n").await?);
    phone.proxy.cut();
    phone.session.lost().await?;
    assert!(phone.session.resume(phone.proxy.port()).await?.resumed);
    writer.session.chat(&phone.jid, "hello").await?;
    phone.session.receives("hello").await?;
    stage.push.stays_at(0).await
}
