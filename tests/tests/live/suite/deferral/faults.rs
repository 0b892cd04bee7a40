//! A push service that fails for a while ends nobody, and one that refuses somebody for long quarantines them alone.

use super::super::stage_with;
use super::{DEFERRED, SHORT, misses_one, told_of};
use push_tests::live::Result;
use push_tests::live::newcomer::Newcomer;
use push_tests::live::push_service::{Notification, Reply, told};
use push_tests::live::stage::{Client, Script, Stage};

const DEVICES: usize = 20;

/// Pauses with which the attempts at what is refused take longer than a fault of these tests.
const PATIENT: Script = Script {
    config: r#"
[push]
include_body = true
[policy]
retry_pause = "2s"
retry_max_pause = "4s"
[status]
quarantine_after = "300ms"
"#,
    ..SHORT
};

/// Logged of a registration that is not to be told of a message.
const PASSED_OVER: &str = "registration passed over";

/// Users who have enabled push, under a node of their own number, and left.
async fn devices(stage: &Stage) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for n in 0..DEVICES {
        let jid = stage.slot().user("device");
        let mut phone = Newcomer::connect(&stage.slot().host(), stage.ports.c2s).await?;
        phone.register(&jid).await?;
        phone.log_in(&jid).await?;
        assert!(phone.enable(stage.push.jid(), &n.to_string()).await?);
        phone.leave().await?;
        all.push(jid);
    }
    Ok(all)
}

async fn to_all(writer: &Client, devices: &[String], body: &str) -> Result<()> {
    for device in devices {
        writer.session.chat(device, body).await?;
    }
    Ok(())
}

/// Whether each device has been told of so many messages.
fn all_told(got: &[Notification], count: u64) -> bool {
    (0..DEVICES).all(|n| told(got, &n.to_string()) == count)
}

/// Whether for each device a notification with this body was refused.
fn all_refused(got: &[Notification], body: &str) -> bool {
    let refused = |node: &str| {
        let is_refused =
            |one: &Notification| one.node == node && one.body() == body && !one.reply.tells();
        got.iter().any(is_refused)
    };
    (0..DEVICES).all(|n| refused(&n.to_string()))
}

#[tokio::test]
async fn temporary_faults_unregister_nobody_and_what_was_missed_is_told() -> Result<()> {
    let stage = stage_with(PATIENT).await?;
    let (writer, devices) = (stage.writer().await?, devices(&stage).await?);
    to_all(&writer, &devices, "before").await?;
    stage.push.receives_until(|got| all_told(got, 1)).await?;
    stage.push.answer(Reply::FPUSH_FAULT);
    for body in ["first", "second", "third"] {
        to_all(&writer, &devices, body).await?;
        let refused = |got: &[_]| all_refused(got, body);
        stage.push.receives_until(refused).await?;
    }
    stage.push.answer(Reply::Result);
    stage.push.receives_until(|got| all_told(got, 4)).await?;
    to_all(&writer, &devices, "after").await?;
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
    writer.session.chat(&bob.jid, "before").await?;
    told_of(&stage.push, "b", 1).await?;
    stage.push.answer_to("a", Reply::FPUSH_BLOCKED);
    misses_one(&stage, &writer, &alice, "refused", DEFERRED).await?;
    stage.service.logs(0, "quarantine").await?;
    // It is not tried again, though it would be accepted.
    stage.push.answer(Reply::Result);
    told_of(&stage.push, "a", 0).await?;
    let tried = of(&stage, "a");
    misses_one(&stage, &writer, &alice, "in vain", PASSED_OVER).await?;
    writer.session.chat(&bob.jid, "meanwhile").await?;
    told_of(&stage.push, "b", 2).await?;
    assert_eq!(told(&stage.push.got(), "a"), 0, "{:#?}", stage.push.got());
    assert_eq!(of(&stage, "a"), tried);
    alice.back().await?;
    alice.enable(&stage, "a").await?;
    alice.session.close().await?;
    alice.session.lost().await?;
    writer.session.chat(&alice.jid, "enabled again").await?;
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
