//! A notification that its push service cannot take now waits at the adapter, in nobody's way.

mod burden;
mod faults;
mod restarts;

use super::{place, stage_with};
use push_tests::live::Result;
use push_tests::live::push_service::{Notification, PushService, Reply, told};
use push_tests::live::slot::Lease;
use push_tests::live::stage::{Client, Script, Stage};
use std::time::{Duration, Instant};

/// Logged when a notification has begun to wait for its push service.
const DEFERRED: &str = "notification deferred";

/// How long a push service may take to answer here; somebody who waited for one that is silent would wait for so long.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(6);

/// Short pauses, a window in which nothing is free when two events wait for a push service, and notifications that say which message is
/// the newest.
const SHORT: Script = Script {
    config: r#"
[push]
include_body = true
[push.workers]
max_queue = 2
[policy]
publish_timeout = "6s"
unproven_after = "500ms"
retry_pause = "400ms"
retry_max_pause = "800ms"
breaker_pause = "400ms"
breaker_max_pause = "800ms"
[status]
quarantine_after = "300ms"
"#,
    ready: "adapter attached",
    trace: false,
};

/// Messages to this user, called `0` and so on, each with a deferral before the next comes.
async fn misses(stage: &Stage, writer: &Client, user: &Client, count: usize) -> Result<()> {
    for n in 0..count {
        misses_one(stage, writer, user, &n.to_string(), DEFERRED).await?;
    }
    writer.settled().await
}

/// A message to this user, of which this is logged.
async fn misses_one(
    stage: &Stage,
    writer: &Client,
    user: &Client,
    body: &str,
    logged: &str,
) -> Result<()> {
    let from = stage.service.process()?.log_size()?;
    writer.session.chat(&user.jid, body).await?;
    stage.service.logs(from, logged).await
}

/// Waits until the device has been told of so many messages; and it is told of no more.
async fn told_of(push: &PushService, node: &str, count: u64) -> Result<()> {
    push.receives_until(|got| told(got, node) >= count).await?;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(told(&push.got(), node), count, "{:#?}", push.got());
    Ok(())
}

/// The same, by one notification alone, which says the newest message.
async fn told_once(push: &PushService, node: &str, count: u64, newest: &str) -> Result<()> {
    told_of(push, node, count).await?;
    assert_eq!(newest_of(push, node), [newest], "{:#?}", push.got());
    Ok(())
}

/// The newest message of each notification that has reached the device.
fn newest_of(push: &PushService, node: &str) -> Vec<String> {
    let got = push.got().into_iter();
    let reached = got.filter(|one| one.node == node && one.reply.tells());
    reached.map(|one| one.body().to_owned()).collect()
}

/// Another push service of the same server, on a domain of its own.
async fn another_push_service() -> Result<(PushService, Lease)> {
    let (lease, ports) = place().await?;
    let push = PushService::connect(&lease.slot.push_service(), ports.push_service).await?;
    Ok((push, lease))
}

/// A user who has enabled `node` at this push service, and then left.
async fn sleeper_at(stage: &Stage, push: &PushService, node: &str) -> Result<Client> {
    let client = stage.client("sleeper", "phone").await?.available().await?;
    client.enable_at(push.jid(), node).await?;
    client.session.close().await?;
    client.session.lost().await?;
    Ok(client)
}

#[tokio::test]
async fn what_was_missed_while_the_push_service_was_away_is_told_once_to_each_device() -> Result<()>
{
    let stage = stage_with(SHORT).await?;
    let (writer, phone) = (
        stage.writer().await?,
        stage.registered("alice", "phone").await?,
    );
    let tablet = stage.another(&phone, "tablet").await?;
    tablet.enable(&stage, "tablet").await?;
    for device in [&phone, &tablet] {
        device.session.close().await?;
        device.session.lost().await?;
    }
    stage.push.leaves().await?;
    misses(&stage, &writer, &phone, 3).await?;
    stage.push.returns().await?;
    for node in ["phone", "tablet"] {
        told_once(&stage.push, node, 3, "2").await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_silent_push_service_is_in_nobodys_way_and_is_told_when_it_answers() -> Result<()> {
    let stage = stage_with(SHORT).await?;
    let (other, _lease) = another_push_service().await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "a").await?);
    let bob = sleeper_at(&stage, &other, "b").await?;
    stage.push.answer(Reply::Nothing);
    writer.session.chat(&alice.jid, "unanswered").await?;
    stage.push.receives(1).await?;
    misses(&stage, &writer, &alice, 2).await?;
    let since = Instant::now();
    writer.session.chat(&bob.jid, "hello").await?;
    other.receives(1).await?;
    let waited = since.elapsed();
    assert!(waited < PUBLISH_TIMEOUT / 4, "{waited:?}");
    stage.push.answer(Reply::Result);
    told_once(&stage.push, "a", 3, "1").await?;
    other.stays_at(1).await
}

#[tokio::test]
async fn a_user_who_was_back_before_the_push_service_is_not_told() -> Result<()> {
    let stage = stage_with(SHORT).await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "a").await?);
    stage.push.leaves().await?;
    misses(&stage, &writer, &alice, 2).await?;
    alice.back().await?;
    alice.session.receives("1").await?;
    // A message that a session did not acknowledge before it ends is missed once more.
    alice.settled().await?;
    // Away again: whoever asks now would find nobody who has seen the messages.
    alice.session.close().await?;
    alice.session.lost().await?;
    stage.push.returns().await?;
    stage.push.stays_at(0).await?;
    writer
        .session
        .chat(&alice.jid, "for one who is away again")
        .await?;
    told_of(&stage.push, "a", 1).await
}

#[tokio::test]
async fn a_push_that_is_held_delays_nobody_else_and_loses_nothing() -> Result<()> {
    const HOLD: Duration = Duration::from_secs(3);
    let stage = stage_with(SHORT).await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "a").await?);
    let bob = stage.sleeper("bob", "b").await?;
    stage.push.answer(Reply::Throttled(HOLD));
    for (count, body) in [(1, "told"), (2, "held")] {
        writer.session.chat(&alice.jid, body).await?;
        stage.push.receives(count).await?;
    }
    misses_one(&stage, &writer, &alice, "deferred", DEFERRED).await?;
    writer.session.chat(&bob.jid, "hello").await?;
    told_of(&stage.push, "a", 3).await?;
    let got = stage.push.got();
    let bodies: Vec<_> = got.iter().map(Notification::body).collect();
    assert_eq!(bodies, ["told", "held", "hello", "deferred"]);
    let dropped = got.iter().filter(|one| one.reply == Reply::Dropped);
    assert_eq!(dropped.count(), 0, "{got:#?}");
    Ok(())
}
