//! The adapter's words about itself, sessions, and publishes.

use push_tests::live::Result;
use push_tests::live::ejabberd::{Ejabberd, EjabberdConfig};
use push_tests::live::puppet::PushRequest;
use push_tests::live::push_service::{PushService, Reply};

use super::played::{Link, attribute, events};
use super::suite::posing::Poser;
use super::{Own, config};

/// A publish without a notification, which the push service of the tests leaves to the test.
const PLAIN: &str = "<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='n'><item/></publish></pubsub>";

const NOTIFICATION: &str = "<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='n'><item>\
                            <notification xmlns='urn:xmpp:push:0'/></item></publish></pubsub>";

fn hello(poser: &Poser) -> String {
    let heard = poser.component.heard();
    let hello = heard.iter().rfind(|stanza| stanza.contains("<hello"));
    hello.cloned().unwrap_or_default()
}

#[tokio::test]
async fn the_hello_tells_what_there_is_room_for() -> Result<()> {
    let mut server = Own::start().await?;
    let link = Link::on(server.ports());
    let poser = link.attached("first").await?;
    let first = hello(&poser);
    let said = |name| attribute(&first, name);
    assert_eq!(
        (said("places"), said("deferred")),
        (Some("2000"), Some("10000"))
    );
    assert!(first.contains(" created defer archive<"), "{first}");
    server.0.config.push = true;
    server.shard(true);
    server.reload().await?;
    poser.says_hello("second", None)?;
    poser.is_answered("second").await?;
    let second = hello(&poser);
    let said = |name| attribute(&second, name);
    assert_eq!(
        (said("places"), said("deferred")),
        (Some("1000"), Some("5000"))
    );
    assert!(second.contains(" defer archive own-push<"), "{second}");
    Ok(())
}

#[tokio::test]
async fn the_text_of_an_error_is_handed_back_and_cut() -> Result<()> {
    let link = Link::shared().await?;
    let poser = link.attached("first").await?;
    let push = PushService::connect(&link.slot.push_service(), link.ports.push_service).await?;
    let tag = format!(
        "publish ref='1' to='{}' timeout='9' class='message' user='alice' resource='phone'",
        push.jid()
    );
    poser.says(&tag, PLAIN)?;
    let heard = push.hears(1).await?;
    let (id, from) = (attribute(&heard[0], "id"), attribute(&heard[0], "from"));
    let text = format!("{}\u{e9} and more", "x".repeat(255));
    push.say(&format!(
        "<iq type='error' id='{}' from='{}' to='{}'><error type='wait'>\
         <resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>\
         <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>{text}</text></error></iq>",
        id.unwrap_or_default(),
        push.jid(),
        from.unwrap_or_default(),
    ))?;
    let told = |heard: &[String]| heard.iter().any(|stanza| stanza.contains("<outcome"));
    let heard = poser.component.hears_until(told).await?;
    let whole = format!(">{}</outcome>", "x".repeat(255));
    assert!(
        heard.iter().any(|stanza| stanza.contains(&whole)),
        "{heard:#?}"
    );
    Ok(())
}

/// The refs that the adapter refused to send.
fn refused(heard: &[String]) -> Vec<&str> {
    heard
        .iter()
        .filter(|stanza| attribute(stanza, "condition") == Some("resource-constraint"))
        .filter_map(|stanza| attribute(stanza, "ref"))
        .collect()
}

#[tokio::test]
async fn one_user_has_a_share_of_the_places() -> Result<()> {
    let server = Ejabberd::start(EjabberdConfig {
        adapter_options: "max_in_flight: 60".to_owned(),
        ..config(1)
    })
    .await?;
    let link = Link::on((&server).into());
    let poser = link.attached("first").await?;
    let push = PushService::connect(&link.slot.push_service(), link.ports.push_service).await?;
    push.answer(Reply::Nothing);
    let publishes = |number: u32, user: &str| {
        let to = push.jid();
        let tag = format!("publish ref='{number}' to='{to}' timeout='3' user='{user}'");
        poser.says(&tag, NOTIFICATION)
    };
    for number in 1..=51 {
        publishes(number, "alice")?;
    }
    for number in 52..=61 {
        publishes(number, "bob")?;
    }
    publishes(62, "carol")?;
    push.receives(60).await?;
    poser.settled().await?;
    assert_eq!(refused(&poser.component.heard()), ["51", "62"]);
    // Each leaves its place.
    let over = |heard: &[String]| {
        let timeouts = heard.iter();
        timeouts.filter(|stanza| stanza.contains("timeout")).count() >= 60
    };
    poser.component.hears_until(over).await?;
    publishes(63, "alice")?;
    push.receives(61).await.map(drop)
}

/// Nobody answers what was in flight any more, and the service need not publish it again.
#[tokio::test]
async fn over_an_orderly_restart_publishes_are_known() -> Result<()> {
    let mut server = Own::start().await?;
    let link = Link::on(server.ports());
    let poser = link.attached("first").await?;
    let push = PushService::connect(&link.slot.push_service(), link.ports.push_service).await?;
    push.answer(Reply::Nothing);
    let tag = format!("publish ref='1' to='{}' timeout='60'", push.jid());
    poser.says(&tag, NOTIFICATION)?;
    push.receives(1).await?;
    server.restart().await?;
    poser.component.connected().await?;
    poser.says_hello("second", None)?;
    let is_outcome = |stanza: &&String| stanza.contains("<outcome");
    let told = |heard: &[String]| heard.iter().any(|stanza| is_outcome(&stanza));
    let heard = poser.component.hears_until(told).await?;
    let outcome = heard.iter().find(is_outcome).map_or("", String::as_str);
    let said = |name| attribute(outcome, name);
    assert_eq!((said("ref"), said("type")), (Some("1"), Some("timeout")));
    assert_eq!(attribute(&hello(&poser), "got"), Some("1"));
    Ok(())
}

#[tokio::test]
async fn sessions_in_which_push_was_enabled_are_told_as_such() -> Result<()> {
    let link = Link::shared().await?;
    let poser = link.attached("first").await?;
    let (writer, alice) = (link.client("writer").await?, link.client("alice").await?);
    let alice = alice.available().await?;
    let request = PushRequest {
        service: Some("push.example.org"),
        node: Some("n"),
        ..PushRequest::default()
    };
    let answers = |number: u32| {
        let poser = &poser;
        async move {
            let asked = |heard: &[String]| {
                let is = |stanza: &&String| stanza.contains("<request");
                heard.iter().filter(is).count() >= number as usize
            };
            let heard = poser.component.hears_until(asked).await?;
            let last = heard.iter().rfind(|stanza| stanza.contains("<request"));
            let number = last.and_then(|request| attribute(request, "ref"));
            let number = number.unwrap_or_default();
            poser.says(&format!("answer ref='{number}' type='result'"), "")
        }
    };
    // The session as the event of this message describes it.
    let told = |text: &'static str| {
        let (poser, writer, alice) = (&poser, &writer, &alice);
        async move {
            writer.session.chat(&alice.jid, text).await?;
            let is = |event: &&str| event.contains(&format!("{text}</body>"));
            let all = |heard: &[String]| events(heard, "archived").iter().any(is);
            let heard = poser.component.hears_until(all).await?;
            let event = events(&heard, "archived").into_iter().find(is);
            Ok::<_, push_tests::live::Failure>(
                event.and_then(|event| attribute(event, "e")) == Some("1"),
            )
        }
    };
    assert!(!told("before").await?);
    let (enabled, answered) = tokio::join!(alice.session.enable(&request), answers(1));
    enabled?;
    answered?;
    assert!(told("enabled").await?);
    alice.hibernates().await;
    alice.proxy.refuse(false);
    alice.session.resume(alice.proxy.port()).await?;
    // The client knows it before the adapter does.
    alice.settled().await?;
    assert!(told("resumed").await?);
    let (disabled, answered) = tokio::join!(alice.session.disable(&request), answers(2));
    disabled?;
    answered?;
    assert!(!told("disabled").await?);
    let (enabled, answered) = tokio::join!(alice.session.enable(&request), answers(3));
    enabled?;
    answered?;
    alice.session.close().await?;
    alice.session.lost().await?;
    alice.back().await?;
    assert!(!told("another session").await?);
    Ok(())
}
