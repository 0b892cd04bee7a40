//! Chat rooms (XEP-0045).

use super::stage;
use push_tests::live::Result;
use push_tests::live::puppet::Outgoing;

#[tokio::test]
async fn a_message_in_a_room_wakes_a_hibernated_occupant() -> Result<()> {
    let stage = stage().await?;
    let (writer, phone) = (stage.writer().await?, stage.registered("alice", "n").await?);
    let room = stage.room();
    writer.session.join(&room, "writer").await?;
    phone.session.join(&room, "alice").await?;
    phone.hibernates().await;
    let hello = Outgoing {
        to: &room,
        body: Some("hello"),
        kind: Some("groupchat"),
        ..Outgoing::default()
    };
    writer.session.message(&hello).await?;
    writer.session.receives("hello").await?;
    stage.push.receives(1).await?;
    stage.push.stays_at(1).await
}
