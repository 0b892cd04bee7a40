//! Prosody without the adapter, by configuration alone: XEP-0355 for the requests, `mod_firewall` for the feed and, where it is
//! granted, XEP-0356 to publish as the user.
//!
//! What it cannot: unacknowledged messages of a session that lost its connection, another device online, which device a message to
//! the account was queued for, accounts that go, acknowledgements (what is missed while the service is away is lost).

use push_tests::live::prosody::{Prosody, ProsodyConfig};
use push_tests::live::puppet::ReceivedMessage;
use push_tests::live::push_service::Reply;
use push_tests::live::slot::Slots;
use push_tests::live::stage::{Script, Stage};
use push_tests::live::{Failure, Result};
use tokio::sync::OnceCell;

use crate::prosody::SLOTS;

#[path = "suite"]
mod suite {
    use super::{stage, stage_with};

    mod answers;
    mod hibernated;
    mod missed;
    mod privacy;
    mod registration;
    mod trust;
}

/// Each tap forwards (XEP-0297) to a resource of the component that says why the message was missed. `RULEDEP=st`: the packaged
/// `mod_firewall` forgets to declare what FORWARD needs. `NOT TYPE: error`: while the component is away its bounce goes to the
/// session, is queued there, and would be forwarded without end: Prosody stands still until its stack overflows.
const TAPS: &str = "::tap_offline
KIND: message
RULEDEP=st
FORWARD=push{i}.test/offline

::tap_smqueued
KIND: message
NOT TYPE: error
RULEDEP=st
FORWARD=push{i}.test/queued
";

/// For each virtual host.
const SETTINGS: &str = r#"
delegations = { ["urn:xmpp:push:0"] = { jid = "push{i}.test" } }
firewall_scripts = { "{dir}/push{i}.pfw" }
firewall_extra_chains = {
    tap_offline = { type = "event", priority = 100, "message/offline/handle" };
    tap_smqueued = { type = "event", priority = 100, "smacks-hibernation-stanza-queued" };
}
"#;

/// Optional: lets the component publish as the user.
const PRIVILEGE: &str = r#"
privileged_entities = {
    ["push{i}.test"] = { iq = { ["http://jabber.org/protocol/pubsub"] = "set" } };
}
"#;

fn config(slots: usize, privilege: bool) -> ProsodyConfig {
    let (module, settings) = if privilege {
        (Some("privilege"), PRIVILEGE)
    } else {
        (None, "")
    };
    let modules = |all: &[&str]| {
        all.iter()
            .copied()
            .chain(module)
            .map(str::to_owned)
            .collect()
    };
    ProsodyConfig {
        slots,
        mam: true,
        host_modules: modules(&["delegation", "firewall"]),
        component_modules: modules(&["delegation"]),
        host_settings: format!("{SETTINGS}{settings}"),
        files: vec![("push{i}.pfw".to_owned(), TAPS.to_owned())],
        ..ProsodyConfig::default()
    }
}

/// The shared server. The kernel ends it with the test process.
static SHARED: OnceCell<(Prosody, Slots)> = OnceCell::const_new();

async fn stage() -> Result<Stage> {
    stage_with(Script::default()).await
}

async fn stage_with(script: Script) -> Result<Stage> {
    let start = || async {
        let server = Prosody::start(config(SLOTS, false)).await?;
        Ok::<_, Failure>((server, Slots::new(0, SLOTS)))
    };
    let (server, slots) = SHARED.get_or_try_init(start).await?;
    Stage::set(slots.lease().await?, server.into(), delegated(script)).await
}

fn delegated(script: Script) -> Script {
    Script {
        ready: "delegates urn:xmpp:push:0",
        ..script
    }
}

#[tokio::test]
async fn without_a_privilege_publishes_come_from_the_component() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    writer.session.chat(&alice.jid, "hello").await?;
    let component = stage.slot().component();
    assert_eq!(stage.push.receives(1).await?[0].from, component);
    Ok(())
}

/// `mod_privilege` says `internal-server-error` in place of what the push service said, so that no answer ends a registration.
#[tokio::test]
async fn with_the_privilege_they_come_from_the_user() -> Result<()> {
    let server = Prosody::start(config(1, true)).await?;
    let lease = Slots::new(0, 1).lease().await?;
    let stage = Stage::set(lease, (&server).into(), delegated(Script::default())).await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    writer.session.chat(&alice.jid, "one").await?;
    assert_eq!(stage.push.receives(1).await?[0].from, alice.jid);
    stage.push.answer(Reply::Error("cancel", "item-not-found"));
    writer.session.chat(&alice.jid, "two").await?;
    stage.push.receives(2).await?;
    stage.service.logs(0, "Undeliverable").await?;
    writer.session.chat(&alice.jid, "three").await?;
    stage.push.receives(3).await?;
    Ok(())
}

/// Prosody leaves the bare JID in what it sends to a session, so that the tap says the device only of what was sent to that.
#[tokio::test]
async fn a_message_to_a_hibernated_device_wakes_that_one_and_to_the_account_all() -> Result<()> {
    let stage = stage().await?;
    let (writer, phone) = (
        stage.writer().await?,
        stage.registered("alice", "asleep").await?,
    );
    let other = stage.another(&phone, "tablet").await?.available().await?;
    other.enable(&stage, "awake").await?;
    phone.hibernates().await;
    let device = format!("{}/phone", phone.jid);
    writer.session.chat(&device, "to the phone").await?;
    assert_eq!(stage.push.receives(1).await?[0].node, "asleep");
    writer.session.chat(&phone.jid, "to the account").await?;
    other.session.receives("to the account").await?;
    stage.push.receives(3).await?;
    stage.push.stays_at(3).await
}

#[tokio::test]
async fn while_the_service_is_away_the_server_goes_on() -> Result<()> {
    let mut stage = stage().await?;
    let (writer, phone) = (stage.writer().await?, stage.registered("alice", "n").await?);
    let sleeper = stage.sleeper("sleeper", "s").await?;
    stage.service.stop().await?;
    phone.hibernates().await;
    writer.session.chat(&phone.jid, "missed").await?;
    writer.session.chat(&sleeper.jid, "kept").await?;
    writer.settled().await?;
    phone.proxy.refuse(false);
    assert!(phone.session.resume(phone.proxy.port()).await?.resumed);
    phone.session.receives("missed").await?;
    // The taps send in the name of the session at hand, which gets the bounce.
    for (client, tap) in [(&phone, "queued"), (&writer, "offline")] {
        let tap = format!("{}/{tap}", stage.slot().component());
        let bounce = |message: &ReceivedMessage| message.kind == "error" && message.from == tap;
        let received = client.session.received().await?;
        assert!(received.iter().any(bounce), "{tap}: {received:#?}");
    }
    stage.service.start_again().await?;
    writer.session.chat(&sleeper.jid, "told").await?;
    stage.push.receives(1).await?;
    sleeper.back().await?;
    sleeper.session.receives("kept").await?;
    stage.push.stays_at(1).await
}

#[tokio::test]
async fn check_says_what_is_missing() -> Result<()> {
    let mut stage = stage().await?;
    stage.service.stop().await?;
    let (code, printed) = stage.service.check(&[]).await?;
    assert_eq!(code, Some(0), "{printed}");
    assert!(
        printed.contains("no adapter, but urn:xmpp:push:0 is delegated"),
        "{printed}"
    );
    Ok(())
}
