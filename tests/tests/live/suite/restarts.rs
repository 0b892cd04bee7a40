//! Restarts of any part: no wake-up lost, none for a user who is back.

use super::{Own, stage, stage_with};
use push_tests::live::Result;
use push_tests::live::push_service::{Notification, PushService, total};
use push_tests::live::service::{Service, ServiceConfig};
use push_tests::live::slot::{Slot, Slots};
use push_tests::live::stage::{Script, Stage};

/// Notifications say which message is the newest.
const TELLING: Script = Script {
    config: "[push]\ninclude_body = true\n",
    ready: "adapter attached",
    trace: false,
};

#[tokio::test]
async fn what_was_missed_while_the_service_was_killed_is_told() -> Result<()> {
    let mut stage = stage_with(TELLING).await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "a").await?);
    let bob = stage.sleeper("bob", "b").await?;
    stage.service.kill()?;
    writer.session.chat(&alice.jid, "one").await?;
    writer.session.chat(&alice.jid, "two").await?;
    writer
        .session
        .chat(&bob.jid, "for a user who comes back")
        .await?;
    writer.settled().await?;
    bob.back().await?;
    bob.session.receives("for a user who comes back").await?;
    stage.service.start_again().await?;
    let newest = |got: &[Notification]| got.iter().any(|one| one.body() == "two");
    let count = stage.push.receives_until(newest).await?.len();
    stage.push.stays_at(count).await?;
    let got = stage.push.got();
    assert!(got.iter().all(|one| one.node == "a"), "{got:#?}");
    assert_eq!(total(&got), 2, "{got:#?}");
    Ok(())
}

#[tokio::test]
async fn an_enable_while_the_service_is_away_is_told_to_wait() -> Result<()> {
    let mut stage = stage().await?;
    let alice = stage.client("alice", "phone").await?;
    stage.service.stop().await?;
    let refused = alice.enable(&stage, "n").await.unwrap_err();
    assert!(
        refused.to_string().starts_with("wait/service-unavailable"),
        "{refused}"
    );
    stage.service.start_again().await?;
    alice.enable(&stage, "n").await
}

#[tokio::test]
async fn at_full_flow_a_killed_service_loses_no_wake_up() -> Result<()> {
    const ROUNDS: u64 = 3;
    const MESSAGES: u64 = 40;
    let mut stage = stage_with(TELLING).await?;
    let writer = stage.writer().await?;
    let alice = stage.sleeper("alice", "n").await?;
    for round in 0..ROUNDS {
        for n in 0..MESSAGES {
            let body = format!("{round}-{n}");
            writer.session.chat(&alice.jid, &body).await?;
        }
        stage.service.kill()?;
        writer.session.chat(&alice.jid, "while it is away").await?;
        stage.service.start_again().await?;
    }
    writer.session.chat(&alice.jid, "the end").await?;
    let missed = ROUNDS * (MESSAGES + 1) + 1;
    let newest = |got: &[Notification]| got.iter().any(|one| one.body() == "the end");
    let all = |got: &[Notification]| newest(got) && total(got) >= missed;
    let count = stage.push.receives_until(all).await?.len();
    stage.push.stays_at(count).await?;
    // Each kill repeats at most what its round has told and not acknowledged.
    let told = total(&stage.push.got());
    assert!(told <= missed + ROUNDS * MESSAGES, "{told} of {missed}");
    Ok(())
}

/// A server of the test's own with a stage on it.
async fn own() -> Result<(Own, Stage)> {
    let server = Own::start().await?;
    let slots = Slots::new(0, 2);
    let stage = Stage::set(slots.lease().await?, server.ports(), Script::default()).await?;
    Ok((server, stage))
}

#[tokio::test]
async fn the_server_restarts_with_what_was_not_acknowledged() -> Result<()> {
    let (mut server, mut stage) = own().await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    stage.service.kill()?;
    writer.session.chat(&alice.jid, "hello").await?;
    writer.settled().await?;
    server.restart().await?;
    stage.push.connected().await?;
    stage.service.start_again().await?;
    stage.push.receives(1).await?;
    stage.push.stays_at(1).await
}

#[tokio::test]
async fn the_service_survives_a_restart_of_the_server() -> Result<()> {
    let (mut server, stage) = own().await?;
    let alice = stage.sleeper("alice", "n").await?;
    let from = stage.service.process()?.log_size()?;
    server.restart().await?;
    stage.service.logs(from, "adapter attached").await?;
    stage.push.connected().await?;
    let writer = stage.writer().await?;
    writer.session.chat(&alice.jid, "hello").await?;
    stage.push.receives(1).await?;
    Ok(())
}

#[tokio::test]
async fn a_reloaded_adapter_keeps_what_it_has() -> Result<()> {
    let (server, mut stage) = own().await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    stage.service.kill()?;
    writer.session.chat(&alice.jid, "hello").await?;
    writer.settled().await?;
    server.reload_adapter(&stage.slot().host()).await?;
    stage.service.start_again().await?;
    stage.push.receives(1).await?;
    let from = stage.service.process()?.log_size()?;
    server.reload_adapter(&stage.slot().host()).await?;
    stage.service.logs(from, "adapter attached").await?;
    writer.session.chat(&alice.jid, "again").await?;
    stage.push.receives(2).await?;
    stage.push.stays_at(2).await
}

#[tokio::test]
async fn one_service_serves_two_hosts_of_one_server() -> Result<()> {
    let server = Own::start_with_one_component().await?;
    let (first, second) = (Slot::new(0), Slot::new(1));
    let ports = server.ports();
    let push = PushService::connect(&first.push_service(), ports.push_service).await?;
    let service = Service::start(&ServiceConfig::new(&[first, second], ports.component)).await?;
    let attached = format!("host=\"{}\" software", second.host());
    service.logs(0, &attached).await?;
    let mut stage = Stage::assemble(first, ports, service, push);
    let writer = stage.writer().await?;
    for (count, slot) in [(1, first), (2, second)] {
        stage = stage.on(slot);
        let alice = stage.sleeper("alice", "n").await?;
        writer.session.chat(&alice.jid, "hello").await?;
        let got = stage.push.receives(count).await?;
        assert_eq!(
            got[count - 1].from,
            slot.host(),
            "from the user's own domain"
        );
    }
    Ok(())
}
