//! A push service that fails for a while ends nobody, and one that refuses somebody for long quarantines them alone.

use super::super::stage_with;
use super::{SHORT, misses, told_of};
use push_tests::live::Result;
use push_tests::live::newcomer::Newcomer;
use push_tests::live::push_service::{Notification, Reply, told};
use push_tests::live::stage::{Client, Stage};
use std::time::Duration;

const DEVICES: usize = 20;

/// Users who have enabled push, under a node of their own number, and left.
async fn devices(stage: &Stage) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for n in 0..DEVICES {
        let jid = stage.slot().user("device");
        let mut phone = Newcomer::connect(&stage.slot().host(), stage.ports.c2s).await?;
        phone.register(&jid).await?;
        phone.log_in(&jid).await?;
        assert!(phone.enable(stage.push.jid(), &n.to_string()).await?);
        all.push(jid);
    }
    // The server sees that they have gone.
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(all)
}

async fn to_all(writer: &Client, devices: &[String], rounds: usize) -> Result<()> {
    for round in 0..rounds {
        for device in devices {
            writer.session.chat(device, &round.to_string()).await?;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

/// Whether each device has been told of so many messages.
fn all_told(got: &[Notification], count: u64) -> bool {
    (0..DEVICES).all(|n| told(got, &n.to_string()) >= count)
}

#[tokio::test]
async fn temporary_faults_unregister_nobody_and_what_was_missed_is_told() -> Result<()> {
    let stage = stage_with(SHORT).await?;
    let (writer, devices) = (stage.writer().await?, devices(&stage).await?);
    to_all(&writer, &devices, 1).await?;
    stage.push.receives_until(|got| all_told(got, 1)).await?;
    stage.push.answer(Reply::FPUSH_FAULT);
    to_all(&writer, &devices, 3).await?;
    stage.push.answer(Reply::Result);
    stage.push.receives_until(|got| all_told(got, 4)).await?;
    to_all(&writer, &devices, 1).await?;
    stage.push.receives_until(|got| all_told(got, 5)).await?;
    let log = stage.service.process()?.log_since(0)?;
    assert!(!log.contains("registration ended"), "{log}");
    Ok(())
}

#[tokio::test]
async fn who_is_refused_for_long_is_quarantined_alone_and_until_they_enable_again() -> Result<()> {
    let stage = stage_with(SHORT).await?;
    let (writer, bob) = (stage.writer().await?, stage.sleeper("bob", "b").await?);
    let alice = stage.sleeper("alice", "a").await?;
    misses(&writer, &bob, 1).await?;
    told_of(&stage.push, "b", 1).await?;
    stage.push.answer_to("a", Reply::FPUSH_BLOCKED);
    misses(&writer, &alice, 3).await?;
    let tried = refused(&stage).await?;
    stage.push.answer(Reply::Result);
    misses(&writer, &alice, 1).await?;
    misses(&writer, &bob, 1).await?;
    told_of(&stage.push, "b", 2).await?;
    assert_eq!(told(&stage.push.got(), "a"), 0, "{:#?}", stage.push.got());
    assert_eq!(of(&stage, "a"), tried);
    alice.back().await?;
    alice.enable(&stage, "a").await?;
    alice.session.close().await?;
    alice.session.lost().await?;
    misses(&writer, &alice, 1).await?;
    told_of(&stage.push, "a", 1).await
}

fn of(stage: &Stage, node: &str) -> usize {
    stage
        .push
        .got()
        .iter()
        .filter(|one| one.node == node)
        .count()
}

/// Waits until it is tried no more; returns how often it was.
async fn refused(stage: &Stage) -> Result<usize> {
    stage.service.logs(0, "quarantine").await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    Ok(of(stage, "a"))
}
