//! Messages to sessions that wait for resumption (XEP-0198).

use super::stage;
use push_tests::live::Result;
use push_tests::live::resumption;

#[tokio::test]
async fn a_hibernated_phone_is_told_at_once() -> Result<()> {
    let stage = stage().await?;
    let (writer, phone) = (stage.writer().await?, stage.registered("alice", "n").await?);
    phone.hibernates().await;
    writer.session.chat(&phone.jid, "one").await?;
    stage.push.receives(1).await?;
    writer.session.chat(&phone.jid, "two").await?;
    stage.push.receives(2).await?;
    stage.push.stays_at(2).await
}

#[tokio::test]
async fn each_of_two_hibernated_phones_is_told_once() -> Result<()> {
    let stage = stage().await?;
    let (writer, phone) = (
        stage.writer().await?,
        stage.registered("alice", "one").await?,
    );
    let other = stage.another(&phone, "tablet").await?.available().await?;
    other.enable(&stage, "two").await?;
    phone.hibernates().await;
    other.hibernates().await;
    writer.session.chat(&phone.jid, "hello").await?;
    let got = stage.push.receives(2).await?;
    let mut nodes: Vec<_> = got.iter().map(|one| one.node.as_str()).collect();
    nodes.sort_unstable();
    assert_eq!(nodes, ["one", "two"]);
    // The server says them again then, which is not told.
    resumption::is_over().await;
    stage.push.stays_at(2).await
}

#[tokio::test]
async fn a_carbon_to_a_hibernated_phone_wakes_it() -> Result<()> {
    let stage = stage().await?;
    let (writer, phone) = (stage.writer().await?, stage.registered("alice", "n").await?);
    phone.session.carbons().await?;
    phone.session.available(-1).await?;
    let laptop = stage.another(&phone, "laptop").await?.available().await?;
    phone.hibernates().await;
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
    phone.hibernates().await;
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

#[tokio::test]
async fn a_phone_that_comes_back_with_a_new_session_is_left_alone() -> Result<()> {
    let stage = stage().await?;
    let (writer, phone) = (stage.writer().await?, stage.registered("alice", "n").await?);
    phone.hibernates().await;
    writer.session.chat(&phone.jid, "queued").await?;
    stage.push.receives(1).await?;
    let back = stage.another(&phone, "phone").await?.available().await?;
    writer.session.chat(&phone.jid, "live").await?;
    back.session.receives("live").await?;
    stage.push.stays_at(1).await
}
