//! A push service ends a registration by itself: it tells the user, by a message (XEP-0357 §8).

use super::posing::Poser;
use super::{Own, stage};
use push_tests::live::Result;
use push_tests::live::push_service::PushService;
use push_tests::live::slot::Slot;
use push_tests::live::stage::Client;

/// Returns the message that a user gets about a node, with these further elements.
fn message(from: &str, to: &str, node: &str, more: &str) -> String {
    let user = to.split('/').next().unwrap_or_default();
    format!(
        "<message from='{from}' to='{to}' type='chat'>\
         <pubsub xmlns='http://jabber.org/protocol/pubsub' node='{node}'>\
         <affiliation jid='{user}' affiliation='none'/></pubsub>{more}</message>"
    )
}

fn revokes(push: &PushService, to: &str, node: &str) -> Result<()> {
    push.say(&message(push.jid(), to, node, ""))
}

#[tokio::test]
async fn the_registration_of_a_user_who_is_away_ends_and_no_other() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    let bob = stage.sleeper("bob", "m").await?;
    revokes(&stage.push, &bob.jid, "n")?;
    revokes(&stage.push, &alice.jid, "n")?;
    stage.service.logs(0, "registration ended").await?;
    for to in [&alice, &bob] {
        writer.session.chat(&to.jid, "hello").await?;
    }
    assert_eq!(stage.push.receives(1).await?[0].node, "m");
    stage.push.stays_at(1).await
}

/// The rest of the message is delivered.
#[tokio::test]
async fn the_registration_of_a_user_who_is_connected_ends() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.registered("alice", "n").await?);
    let to = format!("{}/{}", alice.jid, alice.resource);
    let body = "<body>We are closing.</body>";
    stage.push.say(&message(stage.push.jid(), &to, "n", body))?;
    alice.session.receives("We are closing.").await?;
    stage.service.logs(0, "registration ended").await?;
    alice.session.close().await?;
    alice.session.lost().await?;
    writer.session.chat(&alice.jid, "hello").await?;
    writer.settled().await?;
    stage.push.stays_at(0).await
}

#[tokio::test]
async fn whoever_says_the_same_ends_nothing() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    let forged = message(&writer.jid, &alice.jid, "n", "");
    writer
        .session
        .send(&forged.replace(" from=", " id="))
        .await?;
    writer.settled().await?;
    writer.session.chat(&alice.jid, "hello").await?;
    stage.push.receives(1).await.map(drop)
}

/// How many events tell of a node.
fn told(heard: &[String], node: &str) -> usize {
    let words = [
        ["kind='revoked'", "kind=\"revoked\""],
        [&format!("node='{node}'"), &format!("node=\"{node}\"")],
    ];
    let is = |stanza: &&String| {
        let has = |either: &[&str; 2]| either.iter().any(|word| stanza.contains(word));
        words.iter().all(has)
    };
    heard.iter().filter(is).count()
}

/// Each is kept, but for what is said twice, and over a restart of the server.
#[tokio::test]
async fn what_a_service_misses_is_told_when_it_is_back() -> Result<()> {
    let mut server = Own::start().await?;
    let (slot, ports) = (Slot::new(0), server.ports());
    let alice = Client::registering(&slot.user("alice"), "phone", ports.c2s).await?;
    let push = PushService::connect(&slot.push_service(), ports.push_service).await?;
    for node in ["n", "m", "n"] {
        revokes(&push, &alice.jid, node)?;
    }
    revokes(&push, &slot.user("nobody"), "x")?;
    let last = message(push.jid(), &alice.jid, "o", "<body>last</body>");
    alice.session.available(0).await?;
    push.say(&last)?;
    alice.session.receives("last").await?;
    push.disconnect();
    server.restart().await?;
    let poser = Poser::connect(&slot.component(), slot, ports.component).await?;
    poser.says_hello("first", None)?;
    let all = |heard: &[String]| ["n", "m", "o"].iter().all(|node| told(heard, node) > 0);
    poser.component.hears_until(all).await?;
    poser.settled().await?;
    let heard = poser.component.heard();
    assert_eq!(["n", "m", "x"].map(|node| told(&heard, node)), [1, 1, 0]);
    let joined = heard.iter().filter(|stanza| stanza.contains("count="));
    assert_eq!(joined.count(), 1, "of the same node: {heard:#?}");
    Ok(())
}
