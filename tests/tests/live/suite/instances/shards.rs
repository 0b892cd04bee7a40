//! The users of a host shared among two components that use one database.

use super::suite::shards::{self, Shards, told};
use super::{fresh_database, sharded_place};
use push_tests::live::Result;
use push_tests::live::service::ServiceConfig;
use push_tests::live::stage::Stage;

#[tokio::test]
async fn of_two_processes_each_serves_its_own_users_and_one_may_be_killed() -> Result<()> {
    let database = fresh_database().await?;
    let (lease, ports) = sharded_place().await?;
    let config = ServiceConfig {
        store: database.section(),
        more: "[log]\nlevel = \"debug\"".to_owned(),
        ..ServiceConfig::new(&[lease.slot], ports.component)
    };
    let stage = Stage::with(lease, ports, &config).await?;
    shards::one_is_killed(&mut Shards::with(stage, &config).await?).await?;
    let kept = database.store().await?.counts().await?;
    // Of four users, two in each process.
    assert_eq!(kept.active, 4);
    Ok(())
}

#[tokio::test]
async fn one_process_serves_both() -> Result<()> {
    let database = fresh_database().await?;
    let (lease, ports) = sharded_place().await?;
    let [_, second] = lease.slot.components();
    let config = ServiceConfig {
        store: database.section(),
        shards: vec![second.clone()],
        more: "[log]\nlevel = \"debug\"".to_owned(),
        ..ServiceConfig::new(&[lease.slot], ports.component)
    };
    let mut stage = Stage::with(lease, ports, &config).await?;
    let of_second = format!("shard{{component=\"{second}\"}}");
    stage.service.logs(0, &of_second).await?;
    let writer = stage.writer().await?;
    let users = [
        shards::sleeper(&stage, 0, "first").await?,
        shards::sleeper(&stage, 1, "second").await?,
    ];
    for user in &users {
        writer.session.chat(&user.jid, "hello").await?;
    }
    stage.push.receives(2).await?;
    stage.service.stop().await?;
    for user in &users {
        writer.session.chat(&user.jid, "missed").await?;
    }
    stage.service.start_again().await?;
    let got = stage.push.receives(4).await?;
    assert_eq!((told(&got, "first"), told(&got, "second")), (2, 2));
    stage.push.stays_at(4).await
}
