//! A host whose users are shared among two services, each with a store of its own.

use super::{Own, sharded};
use push_tests::live::Result;
use push_tests::live::push_service::{Notification, PushService, total};
use push_tests::live::service::{Service, ServiceConfig};
use push_tests::live::slot::Slots;
use push_tests::live::stage::{Client, Script, Stage};

/// Two services on one host: that of the stage is the first.
pub(in super::super) struct Shards {
    pub(in super::super) stage: Stage,
    pub(in super::super) second: Service,
}

impl Shards {
    pub(in super::super) async fn of(stage: Stage) -> Result<Self> {
        let config = ServiceConfig {
            more: "[log]\nlevel = \"debug\"".to_owned(),
            ..ServiceConfig::new(&[stage.slot()], stage.ports.component)
        };
        Self::with(stage, &config).await
    }

    /// The second is configured as this, but for the component.
    pub(in super::super) async fn with(stage: Stage, config: &ServiceConfig) -> Result<Self> {
        let [_, component] = stage.slot().components();
        let config = ServiceConfig {
            component,
            ..config.clone()
        };
        let second = Service::start(&config).await?;
        Ok(Self { stage, second })
    }

    pub(in super::super) fn services(&mut self) -> [&mut Service; 2] {
        [&mut self.stage.service, &mut self.second]
    }

    pub(in super::super) async fn sleeper(&self, shard: usize, node: &str) -> Result<Client> {
        sleeper(&self.stage, shard, node).await
    }
}

/// A new user of this shard, available.
async fn client(stage: &Stage, shard: usize) -> Result<Client> {
    let jid = stage.slot().user_of_shard("user", shard);
    let client = Client::registering(&jid, "phone", stage.ports.c2s).await?;
    client.available().await
}

/// A user who has enabled `node` at this shard and then left.
pub(in super::super) async fn sleeper(stage: &Stage, shard: usize, node: &str) -> Result<Client> {
    let client = client(stage, shard).await?;
    client.enable(stage, node).await?;
    client.session.close().await?;
    client.session.lost().await?;
    Ok(client)
}

/// For how many messages a node was told.
pub(in super::super) fn told(got: &[Notification], node: &str) -> u64 {
    let of_node: Vec<_> = got.iter().filter(|one| one.node == node).cloned().collect();
    total(&of_node)
}

#[tokio::test]
async fn each_user_is_served_by_the_shard_of_their_hash() -> Result<()> {
    let mut shards = Shards::of(sharded().await?).await?;
    let writer = shards.stage.writer().await?;
    let users = [
        shards.sleeper(0, "first").await?,
        shards.sleeper(1, "second").await?,
    ];
    for user in &users {
        writer.session.chat(&user.jid, "hello").await?;
    }
    let got = shards.stage.push.receives(2).await?;
    assert_eq!((told(&got, "first"), told(&got, "second")), (1, 1));
    shards.stage.push.stays_at(2).await?;
    for (shard, service) in shards.services().into_iter().enumerate() {
        let log = service.process()?.log_since(0)?;
        assert!(log.contains(&users[shard].jid), "{log}");
        assert!(!log.contains(&users[1 - shard].jid), "{log}");
    }
    Ok(())
}

#[tokio::test]
async fn a_shard_that_is_killed_concerns_its_own_users_only() -> Result<()> {
    one_is_killed(&mut Shards::of(sharded().await?).await?).await
}

/// The second is killed and comes back. Four users enable, two of each shard.
pub(in super::super) async fn one_is_killed(shards: &mut Shards) -> Result<()> {
    let writer = shards.stage.writer().await?;
    let (alice, bob) = (
        shards.sleeper(0, "first").await?,
        shards.sleeper(1, "second").await?,
    );
    let (carol, dave) = (
        client(&shards.stage, 0).await?,
        client(&shards.stage, 1).await?,
    );
    shards.second.kill()?;
    writer.session.chat(&bob.jid, "missed").await?;
    writer.settled().await?;
    dave.is_told_to_wait(&shards.stage).await?;
    carol.enable(&shards.stage, "n").await?;
    writer.session.chat(&alice.jid, "hello").await?;
    assert_eq!(shards.stage.push.receives(1).await?[0].node, "first");
    shards.stage.push.stays_at(1).await?;
    shards.second.start_again().await?;
    assert_eq!(shards.stage.push.receives(2).await?[1].node, "second");
    dave.enable(&shards.stage, "n").await?;
    shards.stage.push.stays_at(2).await
}

/// Wake-ups of both users, kept in two links, then in one, then in two again.
#[tokio::test]
async fn a_list_that_changes_loses_no_wake_up() -> Result<()> {
    let mut server = Own::start_sharded().await?;
    let lease = Slots::new(0, 2).lease().await?;
    let stage = Stage::set(lease, server.ports(), Script::default()).await?;
    let mut shards = Shards::of(stage).await?;
    let writer = shards.stage.writer().await?;
    let users = [
        shards.sleeper(0, "first").await?,
        shards.sleeper(1, "second").await?,
    ];
    for service in shards.services() {
        service.kill()?;
    }
    for (text, both) in [("one", false), ("two", true)] {
        for user in &users {
            writer.session.chat(&user.jid, text).await?;
        }
        writer.settled().await?;
        server.shard(both);
        server.reload().await?;
    }
    for service in shards.services() {
        service.start_again().await?;
    }
    told_twice_each(&shards.stage.push).await
}

/// The same over restarts of the server, so that what is stored under one list is read under another.
#[tokio::test]
async fn a_restart_with_another_list_loses_no_wake_up() -> Result<()> {
    let mut server = Own::start_sharded().await?;
    let lease = Slots::new(0, 2).lease().await?;
    let stage = Stage::set(lease, server.ports(), Script::default()).await?;
    let mut shards = Shards::of(stage).await?;
    let users = [
        shards.sleeper(0, "first").await?,
        shards.sleeper(1, "second").await?,
    ];
    for service in shards.services() {
        service.kill()?;
    }
    for both in [false, true] {
        let writer = shards.stage.writer().await?;
        for user in &users {
            writer.session.chat(&user.jid, "missed").await?;
        }
        writer.settled().await?;
        server.shard(both);
        server.restart().await?;
    }
    shards.stage.push.connected().await?;
    for service in shards.services() {
        service.start_again().await?;
    }
    told_twice_each(&shards.stage.push).await
}

/// Each of the two nodes, for two messages.
async fn told_twice_each(push: &PushService) -> Result<()> {
    push.receives_until(|got| total(got) >= 4).await?;
    push.stays_at(push.got().len()).await?;
    let got = push.got();
    assert_eq!((told(&got, "first"), told(&got, "second")), (2, 2));
    Ok(())
}
