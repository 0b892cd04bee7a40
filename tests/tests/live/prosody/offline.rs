//! Messages that other modules of Prosody send to users without a session.

use super::{config, stage};
use push_tests::live::Result;
use push_tests::live::prosody::{Prosody, ProsodyConfig};
use push_tests::live::puppet::Outgoing;
use push_tests::live::slot::Slots;
use push_tests::live::stage::{Script, Stage};

/// As `mod_muc_offline_delivery` has a room send it.
#[tokio::test]
async fn a_room_wakes_a_member_who_is_not_in_it() -> Result<()> {
    let stage = stage().await?;
    let alice = stage.sleeper("alice", "n").await?;
    let room = format!("room@{}/writer", stage.push.jid());
    let to = &alice.jid;
    stage.push.say(&format!(
        "<message type='groupchat' from='{room}' to='{to}'><body>hello</body></message>"
    ))?;
    stage.push.receives(1).await?;
    stage.push.stays_at(1).await
}

#[tokio::test]
async fn a_client_that_poses_as_a_room_wakes_nobody() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    let message = Outgoing {
        to: &alice.jid,
        body: Some("hello"),
        kind: Some("groupchat"),
        ..Outgoing::default()
    };
    writer.session.message(&message).await?;
    stage.push.stays_at(0).await
}

/// Has an offline message stored without naming the user, as `mod_offline` lets it.
const CARELESS: &str = r#"
module:hook("message/bare", function (event)
    if event.stanza.attr.type ~= "chat" then return nil; end
    return module:fire_event("message/offline/handle", { origin = event.origin, stanza = event.stanza });
end, 10);
"#;

#[tokio::test]
async fn a_user_whom_the_sender_of_the_event_did_not_name_is_told() -> Result<()> {
    let plugin = tempfile::tempdir()?;
    std::fs::write(plugin.path().join("mod_careless.lua"), CARELESS)?;
    let server = Prosody::start(ProsodyConfig {
        plugins: vec![plugin.path().to_owned()],
        host_modules: vec!["careless".to_owned()],
        ..config(1)
    })
    .await?;
    let slots = Slots::new(0, 1);
    let stage = Stage::set(slots.lease().await?, (&server).into(), Script::default()).await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    writer.session.chat(&alice.jid, "hello").await?;
    stage.push.receives(1).await?;
    stage.push.stays_at(1).await
}
