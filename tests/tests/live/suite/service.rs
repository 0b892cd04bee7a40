//! The service's own life: draining, checking, a store that is not there.

use super::{stage, stage_with};
use push_tests::live::Result;
use push_tests::live::push_service::{Reply, total};
use push_tests::live::stage::{Client, Script, Stage};
use std::time::Duration;

const MESSAGES: u64 = 10;

/// So many sleepers, and so many messages to each.
async fn flow(stage: &Stage, writer: &Client, sleepers: &[Client]) -> Result<u64> {
    for n in 0..MESSAGES {
        for sleeper in sleepers {
            writer.session.chat(&sleeper.jid, &n.to_string()).await?;
        }
    }
    writer.settled().await?;
    // Something is on its way, or done.
    stage.push.receives_at_least(1).await?;
    Ok(MESSAGES * sleepers.len() as u64)
}

async fn sleepers(stage: &Stage, count: usize) -> Result<Vec<Client>> {
    let mut all = Vec::new();
    for n in 0..count {
        all.push(stage.sleeper("sleeper", &n.to_string()).await?);
    }
    Ok(all)
}

#[tokio::test]
async fn a_small_window_loses_nothing() -> Result<()> {
    let script = Script {
        config: "[push.workers]\nmax_queue = 2",
        ..Script::default()
    };
    let stage = stage_with(script).await?;
    stage.push.answer(Reply::Late(Duration::from_millis(100)));
    let (writer, sleepers) = (stage.writer().await?, sleepers(&stage, 6).await?);
    let sent = flow(&stage, &writer, &sleepers).await?;
    let got = stage.push.receives_until(|got| total(got) >= sent).await?;
    assert!(
        (got.len() as u64) < sent,
        "something must have waited together"
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(total(&stage.push.got()), sent);
    Ok(())
}

#[tokio::test]
async fn a_drained_service_leaves_the_rest_to_the_next() -> Result<()> {
    let mut stage = stage().await?;
    stage.push.answer(Reply::Late(Duration::from_millis(300)));
    let (writer, sleepers) = (stage.writer().await?, sleepers(&stage, 3).await?);
    let sent = flow(&stage, &writer, &sleepers).await?;
    for sleeper in &sleepers {
        writer
            .session
            .chat(&sleeper.jid, "at the last moment")
            .await?;
    }
    stage.service.stop().await?;
    for sleeper in &sleepers {
        writer.session.chat(&sleeper.jid, "too late").await?;
    }
    stage.service.start_again().await?;
    let sent = sent + 2 * sleepers.len() as u64;
    stage.push.receives_until(|got| total(got) >= sent).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(total(&stage.push.got()), sent);
    Ok(())
}

#[tokio::test]
async fn a_check_never_disturbs_a_running_service() -> Result<()> {
    let mut stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    let from = stage.service.process()?.log_size()?;
    let (code, printed) = stage.service.check(&[]).await?;
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains("an instance is running"), "{printed}");
    writer.session.chat(&alice.jid, "hello").await?;
    stage.push.receives(1).await?;
    let log = stage.service.process()?.log_since(from)?;
    assert!(!log.contains("not connected"), "{log}");
    stage.service.stop().await?;
    let (code, printed) = stage.service.check(&[]).await?;
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains("adapter attached"), "{printed}");
    Ok(())
}

#[tokio::test]
async fn a_check_names_a_wrong_secret() -> Result<()> {
    let mut stage = stage().await?;
    stage.service.stop().await?;
    let wrong = [("XMPP_PUSH__COMPONENT__SECRET", "wrong")];
    let (code, printed) = stage.service.check(&wrong).await?;
    assert_eq!(code, Some(69), "{printed}");
    assert!(printed.contains("secret"), "{printed}");
    Ok(())
}

#[tokio::test]
async fn a_locked_store_delays_enables_and_no_notification() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    let bob = stage.client("bob", "phone").await?;
    let shell = rusqlite::Connection::open(stage.service.file("registrations.db")).unwrap();
    shell.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = bob.enable(&stage, "bob").await.unwrap_err().to_string();
    assert!(refused.starts_with("wait/service-unavailable"), "{refused}");
    assert!(refused.contains("try again later"), "{refused}");
    // What is stored can be read; what has to be written is written later.
    stage.push.answer(Reply::Error("cancel", "item-not-found"));
    writer.session.chat(&alice.jid, "one").await?;
    stage.push.receives(1).await?;
    stage.service.logs(0, "store").await?;
    shell.execute_batch("ROLLBACK").unwrap();
    stage.service.logs(0, "registration ended").await?;
    stage.push.answer(Reply::Result);
    bob.enable(&stage, "bob").await?;
    bob.session.close().await?;
    bob.session.lost().await?;
    writer.session.chat(&alice.jid, "two").await?;
    writer.session.chat(&bob.jid, "three").await?;
    assert_eq!(stage.push.receives(2).await?[1].node, "bob");
    stage.push.stays_at(2).await
}

#[tokio::test]
async fn what_a_store_that_fails_could_not_tell_is_told_when_it_works() -> Result<()> {
    let mut stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    let bob = stage.client("bob", "phone").await?;
    // What it knows by heart it need not ask the store for.
    stage.service.stop().await?;
    stage.service.start_again().await?;
    let shell = rusqlite::Connection::open(stage.service.file("registrations.db")).unwrap();
    let rename = |from: &str, to: &str| {
        let order = format!("ALTER TABLE {from} RENAME TO {to}");
        shell.execute_batch(&order).unwrap();
    };
    rename("registration", "away");
    writer.session.chat(&alice.jid, "missed").await?;
    stage.service.logs(0, "the store failed").await?;
    let refused = bob.enable(&stage, "bob").await.unwrap_err().to_string();
    assert!(refused.starts_with("wait/"), "{refused}");
    assert!(refused.contains("cannot be stored"), "{refused}");
    stage.push.stays_at(0).await?;
    rename("away", "registration");
    stage.push.receives(1).await?;
    bob.enable(&stage, "bob").await?;
    stage.push.stays_at(1).await
}
