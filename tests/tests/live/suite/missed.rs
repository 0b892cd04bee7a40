//! Which missed messages wake whom.

use super::stage;
use push_tests::live::Result;
use push_tests::live::puppet::Outgoing;
use push_tests::live::stage::OPTIONS;

#[tokio::test]
async fn a_user_without_a_session_is_told_with_the_options() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (
        stage.writer().await?,
        stage.sleeper("alice", "node-1").await?,
    );
    writer.session.chat(&alice.jid, "hello").await?;
    let got = stage.push.receives(1).await?;
    assert_eq!(got[0].node, "node-1");
    assert_eq!((got[0].count(), got[0].body()), (1, "New message"));
    assert!(!got[0].summary.contains_key("last-message-sender"));
    let options: Vec<_> = OPTIONS
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    assert_eq!(got[0].options, options, "byte for byte and in order");
    stage.push.stays_at(1).await
}

#[tokio::test]
async fn each_message_to_a_sleeper_is_told_once() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    for text in ["one", "two", "three"] {
        writer.session.chat(&alice.jid, text).await?;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let got = stage.push.receives_at_least(1).await?;
    assert!(got.len() <= 3);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let told: u64 = stage
        .push
        .got()
        .iter()
        .map(push_tests::live::push_service::Notification::count)
        .sum();
    assert_eq!(told, 3);
    Ok(())
}

#[tokio::test]
async fn a_session_with_negative_priority_is_no_session() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.registered("alice", "n").await?);
    alice.session.available(-1).await?;
    writer.session.chat(&alice.jid, "hello").await?;
    stage.push.receives(1).await?;
    stage.push.stays_at(1).await
}

#[tokio::test]
async fn a_session_that_was_never_available_is_no_session() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.client("alice", "phone").await?);
    alice.enable(&stage, "n").await?;
    writer.session.chat(&alice.jid, "hello").await?;
    stage.push.receives(1).await?;
    stage.push.stays_at(1).await
}

#[tokio::test]
async fn a_user_who_is_online_is_left_alone() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.registered("alice", "n").await?);
    writer.session.chat(&alice.jid, "hello").await?;
    alice.session.receives("hello").await?;
    stage.push.stays_at(0).await
}

#[tokio::test]
async fn a_user_who_never_enabled_is_left_alone() -> Result<()> {
    let stage = stage().await?;
    let (writer, bob) = (stage.writer().await?, stage.client("bob", "phone").await?);
    bob.session.close().await?;
    bob.session.lost().await?;
    writer.session.chat(&bob.jid, "hello").await?;
    stage.push.stays_at(0).await
}

#[tokio::test]
async fn chat_states_and_headlines_wake_nobody() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    let composing = "<composing xmlns='http://jabber.org/protocol/chatstates'/>";
    let typing = Outgoing {
        to: &alice.jid,
        extra: &[composing],
        ..Outgoing::default()
    };
    writer.session.message(&typing).await?;
    let headline = Outgoing {
        to: &alice.jid,
        body: Some("news"),
        kind: Some("headline"),
        ..Outgoing::default()
    };
    writer.session.message(&headline).await?;
    stage.push.stays_at(0).await
}

#[tokio::test]
async fn an_encrypted_message_is_told_without_its_fallback_text() -> Result<()> {
    let stage = super::stage_with(push_tests::live::stage::Script {
        config: "[push]\ninclude_body = true\ninclude_sender = true",
        ..Default::default()
    })
    .await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    let payload = "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/><payload>eA==</payload></encrypted>";
    let secret = Outgoing {
        to: &alice.jid,
        body: Some("fallback"),
        extra: &[payload],
        ..Outgoing::default()
    };
    writer.session.message(&secret).await?;
    let got = stage.push.receives(1).await?;
    assert_eq!(got[0].body(), "New message");
    writer.session.chat(&alice.jid, "open").await?;
    let got = stage.push.receives(2).await?;
    assert_eq!(got[1].body(), "open");
    assert_eq!(got[1].summary.get("last-message-sender"), Some(&writer.jid));
    Ok(())
}

#[tokio::test]
async fn a_sender_from_another_domain_wakes_too() -> Result<()> {
    let (here, there) = (stage().await?, stage().await?);
    let (writer, alice) = (there.writer().await?, here.sleeper("alice", "n").await?);
    writer.session.chat(&alice.jid, "hello").await?;
    here.push.receives(1).await?;
    there.push.stays_at(0).await
}

#[tokio::test]
async fn what_only_looks_like_a_copy_wakes_as_any_message() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    let disguises = [
        "<sent xmlns='urn:xmpp:carbons:2'/>",
        "<received xmlns='urn:xmpp:carbons:2'/>",
        "<result xmlns='urn:xmpp:mam:2'/>",
        "<anything xmlns='urn:xmpp:mam:2'/>",
        "<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='urn:xmpp:mucsub:nodes:messages'>\
         <item><message xmlns='jabber:client'/></item></items></event>",
    ];
    for (count, disguise) in (1..).zip(disguises) {
        let message = Outgoing {
            to: &alice.jid,
            body: Some("hello"),
            extra: &[disguise],
            ..Outgoing::default()
        };
        writer.session.message(&message).await?;
        stage.push.receives(count).await?;
    }
    stage.push.stays_at(disguises.len()).await
}

/// Scripts use one id for all they write.
#[tokio::test]
async fn messages_that_look_alike_are_told_also_after_the_user_was_there() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    let same = Outgoing {
        to: &alice.jid,
        body: Some("disk full"),
        id: Some("1"),
        ..Outgoing::default()
    };
    for count in [1, 2] {
        writer.session.message(&same).await?;
        stage.push.receives(count).await?;
    }
    alice.back().await?;
    alice.session.receives("disk full").await?;
    // A message that it has not acknowledged when it leaves would be missed once more.
    alice.settled().await?;
    alice.session.close().await?;
    alice.session.lost().await?;
    writer.session.message(&same).await?;
    stage.push.receives(3).await?;
    stage.push.stays_at(3).await
}
