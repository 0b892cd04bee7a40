//! Messages that the archive keeps and the offline storage does not.

use push_tests::live::Result;
use push_tests::live::ejabberd::{Ejabberd, EjabberdConfig};
use push_tests::live::push_service::total;
use push_tests::live::slot::Slots;
use push_tests::live::stage::{Script, Stage};

use super::config;

#[tokio::test]
async fn a_full_offline_queue_costs_no_wake_up_of_what_is_archived() -> Result<()> {
    let config = EjabberdConfig {
        quota: 1,
        ..config(1)
    };
    let server = Ejabberd::start(config).await?;
    let lease = Slots::new(0, 1).lease().await?;
    let mut stage = Stage::set(lease, (&server).into(), Script::default()).await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    for (text, told) in [("one", 1), ("two", 2), ("three", 3)] {
        writer.session.chat(&alice.jid, text).await?;
        stage.push.receives(told).await?;
    }
    stage.push.stays_at(3).await?;
    // Told while nobody listens, they are counted: each once, whoever keeps it.
    stage.service.kill()?;
    for text in ["four", "five"] {
        writer.session.chat(&alice.jid, text).await?;
    }
    writer.settled().await?;
    stage.service.start_again().await?;
    stage.push.receives_until(|got| total(got) >= 5).await?;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(total(&stage.push.got()), 5);
    Ok(())
}
