//! An adapter that cannot work: the server comes up without it, and says what to do.

use push_tests::live::Result;
use push_tests::live::ejabberd::{Ejabberd, EjabberdConfig};
use push_tests::live::home::overlay;
use push_tests::live::slot::{Lease, Slots};
use push_tests::live::stage::{Client, Script, Stage};

use super::config;
use super::played::Link;

async fn lease() -> Result<Lease> {
    Slots::new(0, 1).lease().await
}

/// The server lets users in and takes their messages.
async fn serves(server: &Ejabberd) -> Result<Client> {
    let link = Link::on(server.into());
    let (alice, bob) = (link.client("alice").await?, link.client("bob").await?);
    let bob = bob.available().await?;
    alice.session.chat(&bob.jid, "hello").await?;
    bob.session.receives("hello").await?;
    Ok(alice)
}

fn log(server: &Ejabberd) -> Result<String> {
    server.process()?.log_since(0)
}

/// As in Debian's own configuration.
#[tokio::test]
async fn beside_mod_push_it_waits_until_that_is_gone() -> Result<()> {
    let mut server = Ejabberd::start(EjabberdConfig {
        push: true,
        ..config(1)
    })
    .await?;
    let told = log(&server)?;
    let reason = "remove mod_push and mod_push_keepalive from 'modules'";
    assert!(told.contains(reason), "{told}");
    let alice = serves(&server).await?;
    let features = alice.session.features(Some(&alice.jid)).await?;
    let push = |feature: &&String| *feature == "urn:xmpp:push:0";
    assert_eq!(features.iter().filter(push).count(), 1, "mod_push's own");
    let waiting = Script {
        ready: "no adapter at this host",
        ..Script::default()
    };
    let stage = Stage::set(lease().await?, (&server).into(), waiting).await?;
    // Stopping it must leave the requests to mod_push.
    let host = stage.slot().host();
    server.restart_module("mod_xmpp_push", &host).await?;
    alice.enable(&stage, "of-mod-push").await?;
    server.config.push = false;
    server.reload_config().await?;
    stage.service.logs(0, "adapter attached").await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    writer.session.chat(&alice.jid, "hello").await?;
    let got = stage.push.receives(1).await?;
    assert_eq!(got[0].node, "n");
    stage.push.stays_at(1).await
}

/// Brought in by a reload, it does start. The requests stay the adapter's, and the log says what to change.
#[tokio::test]
async fn a_reload_that_brings_mod_push_is_told_and_changes_nothing() -> Result<()> {
    let mut server = Ejabberd::start(config(1)).await?;
    let stage = Stage::set(lease().await?, (&server).into(), Script::default()).await?;
    server.config.push = true;
    server.reload_config().await?;
    let log = log(&server)?;
    assert!(log.contains("mod_push would push beside it"), "{log}");
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    writer.session.chat(&alice.jid, "hello").await?;
    stage.push.receives(1).await?;
    stage.push.stays_at(1).await
}

/// Records of another layout would be misread by every hook.
#[tokio::test]
async fn compiled_for_another_ejabberd_it_says_so_and_stays_away() -> Result<()> {
    let other = overlay(
        "adapters/ejabberd",
        "src/mod_xmpp_push_fit.erl",
        &[("record_info(size, message)", "+ 1")],
    )?;
    let server = Ejabberd::start(EjabberdConfig {
        modules: vec![other.path().to_owned()],
        ..config(1)
    })
    .await?;
    let told = log(&server)?;
    assert!(told.contains("compiled for another ejabberd"), "{told}");
    serves(&server).await.map(drop)
}

#[tokio::test]
async fn with_a_file_gone_it_says_so_and_stays_away() -> Result<()> {
    let mut server = Ejabberd::start(config(1)).await?;
    server.stop().await?;
    server.remove_module("mod_xmpp_push_guard")?;
    server.start_again().await?;
    let told = log(&server)?;
    assert!(told.contains("mod_xmpp_push_guard is missing"), "{told}");
    serves(&server).await.map(drop)
}

/// Whatever goes wrong at its start.
#[tokio::test]
async fn a_fault_at_its_start_does_not_keep_the_server_from_starting() -> Result<()> {
    let broken = overlay(
        "adapters/ejabberd",
        "src/mod_xmpp_push_shards.erl",
        &[("open(Host, Options) ->", "error({injected, Host}),")],
    )?;
    let server = Ejabberd::start(EjabberdConfig {
        modules: vec![broken.path().to_owned()],
        ..config(1)
    })
    .await?;
    let told = log(&server)?;
    assert!(
        told.contains("mod_xmpp_push on h0.test does not start"),
        "{told}"
    );
    serves(&server).await.map(drop)
}
