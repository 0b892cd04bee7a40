//! The adapter's bounds, each from above: the test plays the service, and acknowledges nothing.

use super::config;
use super::played::Played;
use push_tests::live::Result;
use push_tests::live::newcomer::Newcomer;
use push_tests::live::prosody::{Prosody, ProsodyConfig};
use push_tests::live::push_service::{PushService, Reply};
use push_tests::live::slot::Slot;
use std::slice::from_ref;

/// A server with these options of the adapter, and the service of its one host.
pub(super) async fn bounded(options: &str) -> Result<(Prosody, Played)> {
    let server = Prosody::start(ProsodyConfig {
        host_settings: options.to_owned(),
        ..config(1)
    })
    .await?;
    let played = Played::connect(Slot::new(0), (&server).into()).await?;
    Ok((server, played))
}

/// A stream to the host on which nobody has logged in, and so many accounts.
pub(super) async fn accounts(server: &Prosody, count: usize) -> Result<(Newcomer, Vec<String>)> {
    let slot = Slot::new(0);
    let mut stream = Newcomer::connect(&slot.host(), server.ports().c2s).await?;
    let jids: Vec<_> = (0..count).map(|_| slot.user("user")).collect();
    for jid in &jids {
        stream.register(jid).await?;
    }
    Ok((stream, jids))
}

/// Sends `count` messages to each of `to`, and waits until the server has dealt with them.
pub(super) async fn write(writer: &mut Newcomer, to: &[String], count: usize) -> Result<()> {
    for jid in to {
        for _ in 0..count {
            writer.chat(jid, "hello").await?;
        }
    }
    writer.settled().await
}

pub(super) fn user(jid: &str) -> String {
    let local = jid.split('@').next().unwrap_or_default();
    format!("user='{local}'")
}

#[tokio::test]
async fn a_user_who_misses_much_leaves_the_window_to_others() -> Result<()> {
    let (server, played) = bounded("xmpp_push_buffer_entries_per_user = 5").await?;
    let (mut writer, jids) = accounts(&server, 3).await?;
    let (alice, bob) = (&jids[1], &jids[2]);
    played.attach("first").await?;
    writer.log_in(&jids[0]).await?;
    write(&mut writer, from_ref(alice), 20).await?;
    write(&mut writer, from_ref(bob), 1).await?;
    played.hears_all(&["kind='offline'", &user(bob)]).await?;
    let missed = |jid: &str| played.count_of(&["kind='offline'", &user(jid)]);
    assert_eq!(missed(bob), 1);
    // One place of the five has the news that the account is new.
    assert_eq!(missed(alice), 4, "a share of the window");
    acknowledge_all(&played)?;
    played
        .hears_all(&["count='16'", " first='", " last='"])
        .await?;
    assert_eq!(missed(alice), 5, "the rest is joined");
    Ok(())
}

#[tokio::test]
async fn over_its_share_a_user_loses_the_own_oldest() -> Result<()> {
    let (server, played) = bounded("xmpp_push_buffer_entries_per_user = 1").await?;
    let (mut writer, jids) = accounts(&server, 3).await?;
    let (alice, bob) = (&jids[1], &jids[2]);
    played.attach("first").await?;
    played.hears(&user(bob)).await?;
    acknowledge_all(&played)?;
    played.say("<bye xmlns='LINK'/>")?;
    writer.log_in(&jids[0]).await?;
    write(&mut writer, from_ref(bob), 1).await?;
    // With a session that is not available each message is archived, and then stored.
    let mut session = Newcomer::connect(&Slot::new(0).host(), server.ports().c2s).await?;
    session.log_in(alice).await?;
    write(&mut writer, from_ref(alice), 1).await?;
    played.attach("second").await?;
    played.hears("dropped='1'").await?;
    played.hears_all(&["kind='offline'", &user(alice)]).await?;
    assert_eq!(played.count("kind='archived'"), 0);
    assert_eq!(played.count_of(&["kind='offline'", &user(bob)]), 1);
    Ok(())
}

fn acknowledge_all(played: &Played) -> Result<()> {
    played.acknowledge("first", "1-100")
}

#[tokio::test]
async fn over_all_entries_missed_messages_go_first_and_then_the_oldest_news() -> Result<()> {
    let (server, played) = bounded("xmpp_push_buffer_entries = 10").await?;
    let (mut writer, jids) = accounts(&server, 8).await?;
    writer.log_in(&jids[0]).await?;
    write(&mut writer, &jids[1..5], 1).await?;
    // Eight new accounts, and messages for four: twelve entries.
    played.attach("first").await?;
    played.hears("dropped='2'").await?;
    played.hears(&user(&jids[7])).await?;
    played
        .hears_all(&["kind='offline'", &user(&jids[4])])
        .await?;
    assert_eq!(played.count("kind='created'"), 8);
    assert_eq!(played.count("kind='offline'"), 2);
    let (_more, more) = accounts(&server, 15).await?;
    played.attach("second").await?;
    // All places are taken by what is not acknowledged: of the new ones none could be kept.
    played.hears("dropped='15'").await?;
    assert_eq!(played.count(&user(&more[14])), 0);
    Ok(())
}

/// Returns a publish for this node at this address.
fn publish(number: usize, to: &str, node: &str) -> String {
    format!(
        "<publish xmlns='LINK' ref='{number}' to='{to}' timeout='60'>\
         <pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='{node}'><item>\
         <notification xmlns='urn:xmpp:push:0'/></item></publish></pubsub></publish>"
    )
}

fn refused(number: usize) -> [String; 2] {
    [format!("ref='{number}'"), "resource-constraint".to_owned()]
}

#[tokio::test]
async fn a_silent_push_service_and_a_busy_registration_leave_places_to_others() -> Result<()> {
    let options = "xmpp_push_max_in_flight = 8; xmpp_push_max_in_flight_per_registration = 2";
    let (server, played) = bounded(options).await?;
    let slot = Slot::new(0);
    let silent = PushService::connect(&slot.push_service(), server.ports().component).await?;
    silent.answer(Reply::Nothing);
    let other = PushService::connect(&slot.components()[1], server.ports().component).await?;
    played.attach("first").await?;
    let to = silent.jid();
    let other_to = other.jid();
    for (number, address, node) in [
        (1, to.to_owned(), "a"),
        (2, to.to_owned(), "a"),
        (3, to.to_owned(), "a"), // over the share of the registration
        (4, to.to_owned(), "b"),
        (5, format!("x@{to}"), "b"),
        (6, format!("y@{to}"), "c"), // over the share of the domain, half of all
        (7, other_to.to_owned(), "d"),
    ] {
        played.say(&publish(number, &address, node))?;
    }
    other.receives(1).await?;
    silent.receives(4).await?;
    for number in [3, 6] {
        let [number, condition] = refused(number);
        played.hears_all(&[&number, &condition]).await?;
    }
    played.hears_all(&["ref='7'", "type='result'"]).await?;
    assert_eq!(played.count("resource-constraint"), 2);
    Ok(())
}

/// The same, of a registration of this user that has no other publish.
fn publish_for(user: &str, number: usize, to: &str) -> String {
    let user = format!(" user='{user}' class='message' timeout=");
    let publish = publish(number, to, &format!("n{number}"));
    publish.replacen(" timeout=", &user, 1)
}

#[tokio::test]
async fn a_user_with_many_registrations_leaves_places_to_others() -> Result<()> {
    let (server, played) = bounded("xmpp_push_max_in_flight_per_user = 2").await?;
    let push = PushService::connect(&Slot::new(0).push_service(), server.ports().component).await?;
    push.answer(Reply::Nothing);
    played.attach("first").await?;
    for (number, user) in [(1, "alice"), (2, "alice"), (3, "alice"), (4, "bob")] {
        played.say(&publish_for(user, number, push.jid()))?;
    }
    push.receives(3).await?;
    let [number, condition] = refused(3);
    played.hears_all(&[&number, &condition]).await?;
    assert_eq!(played.count("resource-constraint"), 1);
    Ok(())
}

/// Of the 800 places of the host each link has 400; a tenth of these is less than a user has in any case.
#[tokio::test]
async fn by_default_a_user_has_a_share_of_the_places_of_one_link() -> Result<()> {
    const SHARE: usize = 50;
    let server = Prosody::start(ProsodyConfig {
        sharded: 1,
        host_settings: "xmpp_push_max_in_flight = 800".to_owned(),
        ..config(1)
    })
    .await?;
    let slot = Slot::new(0);
    let played = Played::connect(slot, (&server).into()).await?;
    let push = PushService::connect(&slot.push_service(), server.ports().component).await?;
    push.answer(Reply::Nothing);
    played.attach("first").await?;
    for number in 1..=SHARE + 1 {
        played.say(&publish_for("alice", number, push.jid()))?;
    }
    push.receives(SHARE).await?;
    played.settled().await?;
    let [number, condition] = refused(SHARE + 1);
    assert_eq!(played.count_of(&[&number, &condition]), 1);
    assert_eq!(played.count("resource-constraint"), 1);
    Ok(())
}

/// 254 bytes, then characters of three.
const EXPLANATION: &str = concat!(
    "A push service may say at length why it refuses, in any language: ",
    "..............................................................................................",
    "..............................................................................................",
    "€€€"
);

#[tokio::test]
async fn what_a_push_service_says_of_an_error_is_handed_back_up_to_a_length() -> Result<()> {
    let (server, played) = bounded("").await?;
    let push = PushService::connect(&Slot::new(0).push_service(), server.ports().component).await?;
    played.attach("first").await?;
    for (number, text, handed_back) in [
        (1, "Gone.", "Gone."),
        (2, EXPLANATION, EXPLANATION.trim_end_matches('€')),
    ] {
        push.answer(Reply::Explained("cancel", "item-not-found", text));
        played.say(&publish(number, push.jid(), "n"))?;
        let number = format!("ref='{number}'");
        let text = format!(">{handed_back}</outcome>");
        played
            .hears_all(&[&number, "condition='item-not-found'", &text])
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_place_is_given_back_with_the_answer() -> Result<()> {
    let (server, played) = bounded("xmpp_push_max_in_flight_per_registration = 1").await?;
    let push = PushService::connect(&Slot::new(0).push_service(), server.ports().component).await?;
    played.attach("first").await?;
    for number in 1..=5 {
        played.say(&publish(number, push.jid(), "n"))?;
        push.receives(number).await?;
        let number = format!("ref='{number}'");
        played.hears_all(&[&number, "type='result'"]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_user_with_many_requests_leaves_room_for_those_of_others() -> Result<()> {
    const SHARE: usize = 20;
    let (server, played) = bounded("").await?;
    let (mut alice, jids) = accounts(&server, 2).await?;
    let mut bob = Newcomer::connect(&Slot::new(0).host(), server.ports().c2s).await?;
    played.attach("first").await?;
    alice.log_in(&jids[0]).await?;
    bob.log_in(&jids[1]).await?;
    for _ in 0..SHARE {
        alice.ask("push.example.net", "n").await?;
    }
    let refused = alice.enable("push.example.net", "n").await.unwrap_err();
    assert!(
        refused.to_string().contains("resource-constraint"),
        "{refused}"
    );
    bob.ask("push.example.net", "n").await?;
    played.hears_all(&["<request", &user(&jids[1])]).await?;
    assert_eq!(played.count("<request"), SHARE + 1);
    Ok(())
}
