//! Messages that were sent on a connection which was then lost. Only an adapter tells of them.

use super::stage;
use push_tests::live::Result;
use push_tests::live::puppet::Login;
use push_tests::live::push_service::total;
use push_tests::live::resumption;

#[tokio::test]
async fn unacknowledged_and_queued_messages_are_told_at_once_and_once() -> Result<()> {
    let stage = stage().await?;
    let (writer, phone) = (stage.writer().await?, stage.registered("alice", "n").await?);
    phone.loses(&writer, "unacknowledged").await?;
    stage.push.receives(1).await?;
    writer.session.chat(&phone.jid, "queued").await?;
    stage.push.receives(2).await?;
    // The server says them again then, which is not told.
    resumption::is_over().await;
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
    phone.loses(&writer, "hello").await?;
    other.session.receives("hello").await?;
    assert_eq!(stage.push.receives(1).await?[0].node, "hibernated");
    resumption::is_over().await;
    stage.push.stays_at(1).await
}

#[tokio::test]
async fn a_new_session_in_place_of_the_lost_one_tells_nothing_again() -> Result<()> {
    let stage = stage().await?;
    let (writer, phone) = (stage.writer().await?, stage.registered("alice", "n").await?);
    phone.loses(&writer, "unacknowledged").await?;
    stage.push.receives(1).await?;
    let back = stage.another(&phone, "phone").await?.available().await?;
    writer.session.chat(&phone.jid, "live").await?;
    back.session.receives("live").await?;
    stage.push.stays_at(1).await
}

#[tokio::test]
async fn what_a_phone_lost_while_the_service_was_away_is_told_once() -> Result<()> {
    let mut stage = stage().await?;
    let (writer, phone) = (stage.writer().await?, stage.registered("alice", "n").await?);
    stage.service.kill()?;
    phone.loses(&writer, "unacknowledged").await?;
    writer.settled().await?;
    stage.service.start_again().await?;
    stage.push.receives(1).await?;
    // The server says them again then, which is not told.
    resumption::is_over().await;
    stage.push.stays_at(1).await
}

#[tokio::test]
async fn all_that_a_phone_lost_while_the_service_was_away_is_told_once() -> Result<()> {
    let mut stage = stage().await?;
    let (writer, phone) = (stage.writer().await?, stage.registered("alice", "n").await?);
    stage.service.kill()?;
    phone.loses(&writer, "unacknowledged").await?;
    for text in ["queued", "queued, too"] {
        writer.session.chat(&phone.jid, text).await?;
    }
    writer.settled().await?;
    stage.service.start_again().await?;
    let got = stage.push.receives_until(|got| total(got) >= 3).await?;
    // The server tells of it again when the resumption window ends.
    resumption::is_over().await;
    stage.push.stays_at(got.len()).await?;
    assert_eq!(total(&stage.push.got()), 3);
    Ok(())
}

#[tokio::test]
async fn a_phone_that_resumed_while_the_service_was_away_is_left_alone() -> Result<()> {
    let mut stage = stage().await?;
    let (writer, phone) = (stage.writer().await?, stage.registered("alice", "n").await?);
    stage.service.kill()?;
    phone.loses(&writer, "unacknowledged").await?;
    writer.session.chat(&phone.jid, "queued").await?;
    writer.settled().await?;
    phone.proxy.refuse(false);
    phone.puppet.process().resume()?;
    phone.session.lost().await?;
    assert!(phone.session.resume(phone.proxy.port()).await?.resumed);
    phone.session.receives("queued").await?;
    stage.service.start_again().await?;
    stage.push.stays_at(0).await
}

#[tokio::test]
async fn what_a_session_without_resumption_lost_is_told() -> Result<()> {
    let stage = stage().await?;
    let (writer, phone) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    let login = Login {
        resumable: false,
        ..Login::new(&phone.jid, &phone.resource, phone.proxy.port())
    };
    phone.session.connect(&login).await?;
    phone.session.available(1).await?;
    phone.loses(&writer, "hello").await?;
    stage.push.receives(1).await?;
    stage.push.stays_at(1).await
}
