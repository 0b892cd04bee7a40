//! A standby takes over from a holder that ends, in order or not.

use super::fresh_database;
use super::pair::{LEASE, Pair, STANDS_BY, within};
use push_tests::live::Result;
use std::time::{Duration, Instant};

/// A connection and a hello; the machine may be busy.
const ATTACHED: Duration = Duration::from_secs(3);

#[tokio::test]
async fn the_standby_takes_over_when_the_holder_is_killed_and_when_it_stops() -> Result<()> {
    let mut pair = Pair::start(fresh_database().await?).await?;
    let (writer, alice) = (
        pair.stage.writer().await?,
        pair.stage.sleeper("alice", "a").await?,
    );
    let bob = pair.stage.client("bob", "phone").await?.available().await?;

    let killed = Instant::now();
    pair.stage.service.kill()?;
    writer.session.chat(&alice.jid, "missed").await?;
    pair.standby.logs(0, "adapter attached").await?;
    within(LEASE * 5 / 4 + ATTACHED, "killed: taken over", killed);
    pair.stage.push.receives(1).await?;
    bob.enable(&pair.stage, "b").await?;

    pair.stage.service.start_again_until(STANDS_BY).await?;
    writer.session.chat(&alice.jid, "another").await?;
    pair.stage.push.receives(2).await?;
    pair.stage.push.stays_at(2).await?;
    assert_eq!(pair.connections(), [1, 1]);

    let from = pair.stage.service.process()?.log_size()?;
    let stopping = Instant::now();
    pair.standby.stop().await?;
    writer.session.chat(&alice.jid, "missed again").await?;
    pair.stage.service.logs(from, "adapter attached").await?;
    within(LEASE / 4 + ATTACHED, "stopped: taken over", stopping);
    bob.enable(&pair.stage, "b").await?;
    pair.stage.push.receives(3).await?;
    pair.stage.push.stays_at(3).await?;
    assert_eq!(pair.connections(), [2, 1]);
    Ok(())
}
