//! A database that is not there, is gone for a while, or stands still.

use super::pair::{LEASE, Pair, QUICK, within};
use super::{Server, database_of, place};
use push_tests::live::Result;
use push_tests::live::service::ServiceConfig;
use push_tests::live::stage::{Client, Stage};
use std::time::{Duration, Instant};

/// A question's limit, the pool's, and some more: the machine may be busy.
const REFUSED_WITHIN: Duration = Duration::from_secs(5);

async fn is_told_to_wait(client: &Client, stage: &Stage) -> Result<()> {
    let asked = Instant::now();
    client.is_told_to_wait(stage).await?;
    let took = asked.elapsed();
    assert!(took < REFUSED_WITHIN, "{took:?}");
    Ok(())
}

#[tokio::test]
async fn without_the_database_requests_wait_and_nothing_missed_is_lost() -> Result<()> {
    let mut server = Server::own().await?;
    let database = database_of(&server).await?;
    let (lease, ports) = place().await?;
    let config = ServiceConfig {
        store: database.section(),
        more: QUICK.to_owned(),
        ..ServiceConfig::new(&[lease.slot], ports.component)
    };
    let mut stage = Stage::with(lease, ports, &config).await?;
    let writer = stage.writer().await?;
    let mut sleepers = Vec::new();
    for node in ["0", "1", "2"] {
        sleepers.push(stage.sleeper("sleeper", node).await?);
    }
    let waiting = stage.client("waiting", "phone").await?.available().await?;

    // Not there at the start, and the service is killed meanwhile.
    stage.service.stop().await?;
    server.kill()?;
    stage.service.start_again().await?;
    is_told_to_wait(&waiting, &stage).await?;
    writer.session.chat(&sleepers[0].jid, "missed").await?;
    stage.service.logs(0, "the store failed").await?;
    stage.service.kill()?;
    stage.service.start_again().await?;
    stage.push.stays_at(0).await?;
    server.start_again().await?;
    assert_eq!(stage.push.receives(1).await?[0].node, "0");
    waiting.enable(&stage, "n").await?;

    // Gone in mid-run.
    server.kill()?;
    writer.session.chat(&sleepers[1].jid, "missed").await?;
    is_told_to_wait(&waiting, &stage).await?;
    stage.push.stays_at(1).await?;
    server.start_again().await?;
    assert_eq!(stage.push.receives(2).await?[1].node, "1");
    waiting.enable(&stage, "n").await?;

    // Standing still.
    server.pause()?;
    writer.session.chat(&sleepers[2].jid, "missed").await?;
    is_told_to_wait(&waiting, &stage).await?;
    stage.push.stays_at(2).await?;
    server.resume()?;
    assert_eq!(stage.push.receives(3).await?[2].node, "2");
    waiting.enable(&stage, "n").await?;
    stage.push.stays_at(3).await
}

#[tokio::test]
async fn a_holder_that_cannot_prolong_its_lease_steps_down_and_takes_it_up_again() -> Result<()> {
    let mut server = Server::own().await?;
    let mut pair = Pair::start(database_of(&server).await?).await?;
    let (writer, alice) = (
        pair.stage.writer().await?,
        pair.stage.sleeper("alice", "a").await?,
    );
    let bob = pair.stage.client("bob", "phone").await?.available().await?;

    let paused = Instant::now();
    server.pause()?;
    pair.stage.service.logs(0, "the lease is lost").await?;
    pair.ways[0].empties().await?;
    within(
        LEASE + Duration::from_secs(1),
        "paused: stepped down",
        paused,
    );
    is_told_to_wait(&bob, &pair.stage).await?;
    writer.session.chat(&alice.jid, "missed").await?;
    // One that waits for the database can be stopped.
    pair.standby.stop().await?;
    assert_eq!(pair.connections(), [1, 0]);

    let resumed = Instant::now();
    server.resume()?;
    pair.stage.push.receives(1).await?;
    within(Duration::from_secs(5), "resumed: told", resumed);
    bob.enable(&pair.stage, "b").await?;
    pair.stage.push.stays_at(1).await?;
    assert_eq!(pair.connections(), [2, 0]);
    Ok(())
}
