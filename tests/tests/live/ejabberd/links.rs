//! The processes of a host's links: killed, and exchanged for others while messages are missed.

use std::cell::Cell;
use std::path::PathBuf;

use push_tests::live::slot::{Slot, Slots};
use push_tests::live::stage::{Script, Stage};
use push_tests::live::{Failure, Result, repository};
use serde_json::json;

use super::Own;
use super::suite::shards::{Shards, told};

/// The folder of a module that kills processes by their name.
pub(super) fn killer() -> PathBuf {
    repository().join("tests/tests/live/ejabberd/killer")
}

async fn kill(server: &Own, name: &str) -> Result<()> {
    let name = format!("mod_xmpp_push_{}{name}", Slot::new(0).host());
    server
        .0
        .api("kill_process", &json!({ "name": name }))
        .await?;
    Ok(())
}

async fn on(server: &Own) -> Result<Shards> {
    let lease = Slots::new(0, 1).lease().await?;
    Shards::of(Stage::set(lease, server.ports(), Script::default()).await?).await
}

#[tokio::test]
async fn a_killed_link_comes_back_with_what_it_kept_and_the_other_notices_nothing() -> Result<()> {
    let server = Own::start_with_killer().await?;
    let mut shards = on(&server).await?;
    let writer = shards.stage.writer().await?;
    let (alice, bob) = (
        shards.sleeper(0, "first").await?,
        shards.sleeper(1, "second").await?,
    );
    let of_first = shards.stage.service.process()?.log_size()?;
    let of_second = shards.second.process()?.log_size()?;
    kill(&server, "_2").await?;
    shards.second.logs(of_second, "adapter attached").await?;
    for user in [&alice, &bob] {
        writer.session.chat(&user.jid, "with both links").await?;
    }
    shards.stage.push.receives(2).await?;
    shards.second.stop().await?;
    writer.session.chat(&bob.jid, "kept").await?;
    writer.settled().await?;
    kill(&server, "_2").await?;
    shards.second.start_again().await?;
    let got = shards.stage.push.receives(3).await?;
    assert_eq!((told(&got, "first"), told(&got, "second")), (1, 2));
    shards.stage.push.stays_at(3).await?;
    let log = shards.stage.service.process()?.log_since(of_first)?;
    assert!(!log.contains("attached"), "{log}");
    Ok(())
}

/// It is nobody's child but ejabberd's, which does not bear many failures.
#[tokio::test]
async fn the_supervisor_of_the_links_may_be_killed() -> Result<()> {
    let server = Own::start_with_killer().await?;
    let mut shards = on(&server).await?;
    let writer = shards.stage.writer().await?;
    let users = [
        shards.sleeper(0, "first").await?,
        shards.sleeper(1, "second").await?,
    ];
    for service in shards.services() {
        service.kill()?;
    }
    for user in &users {
        writer.session.chat(&user.jid, "kept").await?;
    }
    writer.settled().await?;
    kill(&server, "").await?;
    for service in shards.services() {
        service.start_again().await?;
    }
    let got = shards.stage.push.receives(2).await?;
    assert_eq!((told(&got, "first"), told(&got, "second")), (1, 1));
    shards.stage.push.stays_at(2).await?;
    let log = server.log()?;
    assert!(!log.contains("{id,ejabberd_gen_mod_sup}"), "{log}");
    Ok(())
}

/// The hooks never wait for the links: what they see between two lists must be in one of them.
#[tokio::test]
async fn messages_that_are_missed_while_the_list_changes_are_all_told() -> Result<()> {
    let mut server = Own::start_sharded().await?;
    let mut shards = on(&server).await?;
    let writer = shards.stage.writer().await?;
    let users = [
        shards.sleeper(0, "first").await?,
        shards.sleeper(1, "second").await?,
    ];
    for service in shards.services() {
        service.kill()?;
    }
    let over = Cell::new(false);
    let missed = async {
        let mut each = 0;
        while !over.get() {
            for _ in 0..8 {
                for user in &users {
                    writer.session.chat(&user.jid, "hello").await?;
                }
                each += 1;
            }
            // No faster than the server takes them.
            writer.session.features(None).await?;
        }
        writer.settled().await?;
        Ok::<u64, Failure>(each)
    };
    let changes = async {
        for both in [false, true, false, true, false, true] {
            server.shard(both);
            server.reload().await?;
        }
        over.set(true);
        Ok::<(), Failure>(())
    };
    let (each, ()) = tokio::try_join!(missed, changes)?;
    for service in shards.services() {
        service.start_again().await?;
    }
    let all = |got: &[_]| told(got, "first") + told(got, "second") >= 2 * each;
    let got = shards.stage.push.receives_until(all).await?;
    assert_eq!((told(&got, "first"), told(&got, "second")), (each, each));
    shards.stage.push.stays_at(got.len()).await
}
