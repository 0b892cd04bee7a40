//! Messages that look like copies of something, and are not: a copy comes from the account itself.

use push_tests::live::Result;
use push_tests::live::puppet::Outgoing;

use super::stage;

const FORGED: [&str; 5] = [
    "<sent xmlns='urn:xmpp:carbons:2'/>",
    "<sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>\
     <message xmlns='jabber:client'><body>inner</body></message></forwarded></sent>",
    "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>\
     <message xmlns='jabber:client'/></forwarded></received>",
    "<result xmlns='urn:xmpp:mam:2' id='1'/>",
    "<fin xmlns='urn:xmpp:mam:2'/>",
];

#[tokio::test]
async fn nothing_in_a_message_hides_it_from_a_user_without_a_session() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    for (before, forged) in FORGED.iter().enumerate() {
        let message = Outgoing {
            to: &alice.jid,
            body: Some("hello"),
            extra: &[forged],
            ..Outgoing::default()
        };
        writer.session.message(&message).await?;
        stage.push.receives(before + 1).await?;
    }
    Ok(())
}

#[tokio::test]
async fn nothing_in_a_message_hides_it_from_a_hibernated_phone() -> Result<()> {
    let stage = stage().await?;
    let (writer, phone) = (stage.writer().await?, stage.registered("alice", "n").await?);
    phone.hibernates().await;
    for (before, forged) in FORGED.iter().enumerate() {
        let message = Outgoing {
            to: &phone.jid,
            body: Some("hello"),
            extra: &[forged],
            ..Outgoing::default()
        };
        writer.session.message(&message).await?;
        stage.push.receives(before + 1).await?;
    }
    Ok(())
}
