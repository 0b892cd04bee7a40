//! Who a push service sees.

use super::stage;
use push_tests::live::Result;

#[tokio::test]
async fn publishes_come_from_the_servers_domain() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    writer.session.chat(&alice.jid, "hello").await?;
    assert_eq!(stage.push.receives(1).await?[0].from, stage.slot().host());
    Ok(())
}
