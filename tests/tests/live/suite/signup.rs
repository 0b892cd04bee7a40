//! Clients that enable push as soon as they have an account: what was acknowledged to them stays.

use super::stage;
use push_tests::live::newcomer::Newcomer;
use push_tests::live::stage::Stage;
use push_tests::live::{Failure, Result};
use std::time::Duration;
use tokio::task::JoinSet;

/// How long the server and the service may go on with what they were told before: nothing waits for longer.
const QUIET: Duration = Duration::from_secs(3);

/// How long a client waits until it asks once more.
const PAUSE: Duration = Duration::from_millis(20);

/// Makes an account, logs in and enables push; keeps the stream.
async fn sign_up(host: String, port: u16, jid: String, service: String) -> Result<Newcomer> {
    let mut newcomer = Newcomer::connect(&host, port).await?;
    newcomer.register(&jid).await?;
    newcomer.log_in(&jid).await?;
    enable(newcomer, service).await
}

/// Asks until it is acknowledged.
async fn enable(mut newcomer: Newcomer, service: String) -> Result<Newcomer> {
    while !newcomer.enable(&service, "n").await? {
        tokio::time::sleep(PAUSE).await;
    }
    Ok(newcomer)
}

/// Makes accounts and enables push for each, for `at_once` of them at a time.
async fn sign_all_up(stage: &Stage, accounts: usize, at_once: usize) -> Result<()> {
    let (host, port) = (stage.slot().host(), stage.ports.c2s);
    let mut busy = JoinSet::new();
    for _ in 0..accounts {
        if busy.len() == at_once {
            joined(&mut busy).await?;
        }
        let (jid, service) = (stage.slot().user("new"), stage.push.jid().to_owned());
        busy.spawn(sign_up(host.clone(), port, jid, service));
    }
    all_joined(busy).await
}

async fn all_joined(mut busy: JoinSet<Result<Newcomer>>) -> Result<()> {
    while !busy.is_empty() {
        joined(&mut busy).await?;
    }
    Ok(())
}

async fn joined(busy: &mut JoinSet<Result<Newcomer>>) -> Result<()> {
    match busy.join_next().await {
        Some(Ok(done)) => done.map(drop),
        other => Err(Failure::new(format!("a client is gone: {other:?}"))),
    }
}

/// The store has exactly as many registrations as were acknowledged.
async fn none_is_lost(stage: &Stage, acknowledged: u32) -> Result<()> {
    tokio::time::sleep(QUIET).await;
    let kept = registrations(stage).map_err(|error| Failure::new(error.to_string()))?;
    assert_eq!(kept, acknowledged, "registrations that were acknowledged");
    Ok(())
}

fn registrations(stage: &Stage) -> rusqlite::Result<u32> {
    let store = rusqlite::Connection::open(stage.service.file("registrations.db"))?;
    let count = "SELECT COUNT(*) FROM registration";
    store.query_row(count, [], |row| row.get(0))
}

#[tokio::test]
async fn many_who_sign_up_at_a_time_keep_what_they_enabled() -> Result<()> {
    let stage = stage().await?;
    sign_all_up(&stage, 200, 8).await?;
    none_is_lost(&stage, 200).await
}

#[tokio::test]
async fn those_who_sign_up_one_by_one_under_load_keep_what_they_enabled() -> Result<()> {
    let stage = stage().await?;
    let alice = stage.sleeper("alice", "a").await?;
    let writer = stage.slot().user("writer");
    let mut flood = Newcomer::connect(&stage.slot().host(), stage.ports.c2s).await?;
    flood.register(&writer).await?;
    flood.log_in(&writer).await?;
    let flooding = async {
        loop {
            if let Err(ended) = flood.chat(&alice.jid, "hello").await {
                return ended;
            }
            tokio::time::sleep(Duration::from_millis(4)).await;
        }
    };
    tokio::select! {
        done = sign_all_up(&stage, 50, 1) => done?,
        ended = flooding => return Err(ended),
    }
    none_is_lost(&stage, 51).await
}

#[tokio::test]
async fn who_signed_up_while_the_service_was_away_keeps_what_is_enabled_afterwards() -> Result<()> {
    const ACCOUNTS: u32 = 2000;
    const CLIENTS: u32 = 40;
    let mut stage = stage().await?;
    let (host, port) = (stage.slot().host(), stage.ports.c2s);
    stage.service.stop().await?;
    let mut registrar = Newcomer::connect(&host, port).await?;
    let mut busy = JoinSet::new();
    for n in 0..ACCOUNTS {
        let jid = stage.slot().user("new");
        registrar.register(&jid).await?;
        if n >= ACCOUNTS - CLIENTS {
            let mut newcomer = Newcomer::connect(&host, port).await?;
            newcomer.log_in(&jid).await?;
            busy.spawn(enable(newcomer, stage.push.jid().to_owned()));
        }
    }
    stage.service.start_again().await?;
    all_joined(busy).await?;
    none_is_lost(&stage, CLIENTS).await
}
