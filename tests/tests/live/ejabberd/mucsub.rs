//! MUC/Sub, ejabberd's own: a room sends to its subscribers, also to those without a session.

use super::stage;
use push_tests::live::Result;
use push_tests::live::puppet::{Outgoing, PATIENCE};

const SUBSCRIBE: &str = "<subscribe xmlns='urn:xmpp:mucsub:0' nick='alice'>\
                         <event node='urn:xmpp:mucsub:nodes:messages'/></subscribe>";

#[tokio::test]
async fn a_message_in_a_room_wakes_a_subscriber_without_a_session() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.registered("alice", "n").await?);
    let room = stage.room();
    writer.session.join(&room, "writer").await?;
    alice
        .session
        .iq("set", Some(&room), SUBSCRIBE, PATIENCE)
        .await?;
    alice.session.close().await?;
    alice.session.lost().await?;
    let hello = Outgoing {
        to: &room,
        body: Some("hello"),
        kind: Some("groupchat"),
        ..Outgoing::default()
    };
    writer.session.message(&hello).await?;
    stage.push.receives(1).await?;
    stage.push.stays_at(1).await
}
