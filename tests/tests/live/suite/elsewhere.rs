//! Messages that another device of the user takes. The server tells of them when it archives them: only where it does (XEP-0313).

use super::stage;
use push_tests::live::Result;
use push_tests::live::resumption;

#[tokio::test]
async fn a_phone_without_a_session_is_told_while_the_laptop_is_online() -> Result<()> {
    let stage = stage().await?;
    let (writer, phone) = (stage.writer().await?, stage.registered("alice", "n").await?);
    let laptop = stage.another(&phone, "laptop").await?.available().await?;
    phone.session.close().await?;
    phone.session.lost().await?;
    writer.session.chat(&phone.jid, "hello").await?;
    laptop.session.receives("hello").await?;
    stage.push.receives(1).await?;
    stage.push.stays_at(1).await
}

#[tokio::test]
async fn a_laptop_that_is_online_is_not_told_of_what_its_phone_missed() -> Result<()> {
    let stage = stage().await?;
    let (writer, phone) = (
        stage.writer().await?,
        stage.registered("alice", "phone-node").await?,
    );
    let laptop = stage.another(&phone, "laptop").await?.available().await?;
    laptop.enable(&stage, "laptop-node").await?;
    phone.session.close().await?;
    phone.session.lost().await?;
    writer.session.chat(&phone.jid, "hello").await?;
    let got = stage.push.receives(1).await?;
    assert_eq!(got[0].node, "phone-node");
    stage.push.stays_at(1).await
}

#[tokio::test]
async fn a_phone_that_slept_too_long_is_told_of_what_the_laptop_takes() -> Result<()> {
    let stage = stage().await?;
    let (writer, phone) = (stage.writer().await?, stage.registered("alice", "n").await?);
    let laptop = stage.another(&phone, "laptop").await?.available().await?;
    phone.loses(&writer, "one").await?;
    laptop.session.receives("one").await?;
    stage.push.receives(1).await?;
    // Then the phone has no session.
    resumption::is_over().await;
    stage.push.stays_at(1).await?;
    writer.session.chat(&phone.jid, "two").await?;
    laptop.session.receives("two").await?;
    stage.push.receives(2).await?;
    stage.push.stays_at(2).await
}
