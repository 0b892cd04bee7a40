//! A holder that hangs, and goes on after another has taken over.

use super::fresh_database;
use super::pair::{LEASE, Pair, STANDS_BY, within};
use push_tests::live::Result;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_holder_that_hangs_is_succeeded_and_stands_by_when_it_goes_on() -> Result<()> {
    let mut pair = Pair::start(fresh_database().await?).await?;
    let (writer, alice) = (
        pair.stage.writer().await?,
        pair.stage.sleeper("alice", "a").await?,
    );
    let bob = pair.stage.client("bob", "phone").await?.available().await?;

    let hangs = Instant::now();
    let from = pair.stage.service.process()?.log_size()?;
    pair.stage.service.process()?.stop()?;
    // For the one that hangs: it must not tell of it, too, when it goes on.
    writer.session.chat(&alice.jid, "missed").await?;
    pair.standby.logs(0, "adapter attached").await?;
    let longest = LEASE * 5 / 4 + Duration::from_secs(3);
    within(longest, "hung: taken over", hangs);
    pair.stage.push.receives(1).await?;
    for n in 2..=6 {
        writer.session.chat(&alice.jid, "and on").await?;
        pair.stage.push.receives(n).await?;
    }
    bob.enable(&pair.stage, "b").await?;

    pair.stage.service.process()?.resume()?;
    pair.stage.service.logs(from, "the lease is lost").await?;
    pair.stage.service.logs(from, STANDS_BY).await?;
    pair.ways[0].empties().await?;
    bob.enable(&pair.stage, "c").await?;
    writer.session.chat(&alice.jid, "at the end").await?;
    pair.stage.push.receives(7).await?;
    pair.stage.push.stays_at(7).await?;
    assert_eq!(pair.connections(), [1, 1]);

    pair.standby.kill()?;
    writer.session.chat(&alice.jid, "and back").await?;
    pair.stage.push.receives(8).await?;
    assert_eq!(pair.connections(), [2, 1]);
    Ok(())
}
