//! Accounts that go, and names that come back.

use super::stage;
use push_tests::live::Result;
use push_tests::live::puppet::Login;

#[tokio::test]
async fn an_account_registered_anew_has_nothing() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.registered("alice", "n").await?);
    alice.session.unregister().await?;
    alice.session.lost().await?;
    let again = Login::registering(&alice.jid, "phone", alice.proxy.port());
    alice.session.connect(&again).await?;
    alice.session.close().await?;
    alice.session.lost().await?;
    writer.session.chat(&alice.jid, "hello").await?;
    stage.push.stays_at(0).await
}
