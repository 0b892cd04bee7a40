//! What waits for a push service waits at the adapter: told again, joined, ended, and bounded.

use push_tests::live::Result;
use push_tests::live::ejabberd::{Ejabberd, EjabberdConfig};
use push_tests::live::puppet::Login;
use push_tests::live::stage::Client;
use std::time::Duration;

use super::config;
use super::played::{Link, attribute, events, user};
use super::suite::posing::Poser;
use super::withdrawn::withdrawn;

/// A recipient of a deferred event.
pub(super) fn recipient(id: &str, resource: &str) -> String {
    format!("<for id='{id}' r='{resource}'/>")
}

/// The recipients in an event, in order, as they are written above.
pub(super) fn recipients(event: &str) -> String {
    let one = |tag: &str| {
        let id = attribute(tag, "id")?;
        Some(recipient(id, attribute(tag, "r").unwrap_or_default()))
    };
    event
        .split("<for")
        .skip(1)
        .filter_map(|rest| one(rest.split('>').next()?))
        .collect()
}

/// The events that were told again after a deferral.
pub(super) fn again(heard: &[String]) -> Vec<&str> {
    events(heard, "offline")
        .into_iter()
        .filter(|event| attribute(event, "was").is_some())
        .collect()
}

/// The epoch of the adapter's last hello.
pub(super) fn epoch(poser: &Poser) -> String {
    let heard = poser.component.heard();
    let hello = heard.iter().rfind(|stanza| stanza.contains("<hello"));
    hello
        .and_then(|hello| attribute(hello, "epoch"))
        .unwrap_or_default()
        .to_owned()
}

/// Has the service acknowledge all that it is told, until that is all.
async fn acknowledges_all(poser: &Poser) -> Result<()> {
    let mut before = usize::MAX;
    while poser.heard("<event") != before {
        poser.settled().await?;
        before = poser.heard("<event");
        poser.says("ack session='first'", "1-100000")?;
        poser.settled().await?;
    }
    Ok(())
}

/// Somebody who is away, somebody who writes to them, and the service.
pub(super) struct Scene {
    pub(super) link: Link,
    pub(super) poser: Poser,
    pub(super) writer: Client,
    pub(super) alice: Client,
}

impl Scene {
    /// Without what other tests have left there, and with the accounts acknowledged.
    pub(super) async fn on(link: Link) -> Result<Self> {
        let former = link.attached("first").await?;
        acknowledges_all(&former).await?;
        former.component.disconnect();
        let (writer, alice) = (link.client("writer").await?, link.sleeper("alice").await?);
        let poser = link.attached("first").await?;
        acknowledges_all(&poser).await?;
        Ok(Self {
            link,
            poser,
            writer,
            alice,
        })
    }

    async fn shared() -> Result<Self> {
        Self::on(Link::shared().await?).await
    }

    pub(super) async fn with(server: &Ejabberd) -> Result<Self> {
        Self::on(Link::on(server.into())).await
    }

    /// A message that this user misses; returns the number of its event.
    pub(super) async fn misses(&self, jid: &str, text: &str) -> Result<String> {
        self.writer.session.chat(jid, text).await?;
        let body = format!("{text}</body>");
        let is = |stanza: &&String| stanza.contains("<event") && stanza.contains(&body);
        let told = |heard: &[String]| heard.iter().any(|stanza| is(&stanza));
        let heard = self.poser.component.hears_until(told).await?;
        let event = heard.iter().rfind(is).map_or("", String::as_str);
        Ok(attribute(event, "n").unwrap_or_default().to_owned())
    }

    /// The service defers this event for these recipients.
    pub(super) fn defers(&self, number: &str, recipients: &str) -> Result<()> {
        let tag = format!("defer session='first' n='{number}'");
        self.poser.says(&tag, recipients)
    }

    /// A message that alice misses and the service defers, for her phone.
    pub(super) async fn waits(&self, text: &str) -> Result<String> {
        let number = self.misses(&self.alice.jid, text).await?;
        self.defers(&number, &recipient("a", "phone"))?;
        self.poser.settled().await?;
        Ok(number)
    }

    pub(super) fn resumes(&self, numbers: &str) -> Result<()> {
        self.poser.says("resume session='first'", numbers)
    }

    pub(super) async fn hears_again(&self, count: usize) -> Result<Vec<String>> {
        let enough = |heard: &[String]| again(heard).len() >= count;
        self.poser.component.hears_until(enough).await
    }

    /// Waits until it was withdrawn exactly this, in this order.
    pub(super) async fn hears_withdrawn(&self, numbers: &[&str]) -> Result<()> {
        let enough = |heard: &[String]| withdrawn(heard) == numbers;
        self.poser.component.hears_until(enough).await.map(drop)
    }

    /// The events that were deferred and told again, once all that was said is dealt with.
    async fn told_again(&self) -> Result<usize> {
        self.poser.settled().await?;
        Ok(again(&self.poser.component.heard()).len())
    }
}

#[tokio::test]
async fn what_is_resumed_is_told_again_with_its_recipients() -> Result<()> {
    let scene = Scene::shared().await?;
    let number = scene.misses(&scene.alice.jid, "one").await?;
    let recipients_of_it = [recipient("a", "phone"), recipient("b", "")].concat();
    scene.defers(&number, "<for id='a' r='phone'/><for id='b'/>")?;
    scene.poser.says("resume session='another'", &number)?;
    assert_eq!(scene.told_again().await?, 0, "of another session");
    scene.resumes(&number)?;
    let heard = scene.hears_again(1).await?;
    let told = again(&heard)[0];
    let was = format!("{}:{number}", epoch(&scene.poser));
    assert_eq!(attribute(told, "was"), Some(was.as_str()));
    assert_ne!(attribute(told, "n"), Some(number.as_str()));
    assert!(told.contains("one</body>"), "{told}");
    assert_eq!(recipients(told), recipients_of_it);
    scene.resumes(&number)?;
    assert_eq!(scene.told_again().await?, 1, "once");
    Ok(())
}

#[tokio::test]
async fn what_is_deferred_takes_no_place_in_the_window() -> Result<()> {
    let scene = Scene::shared().await?;
    let mut numbers = Vec::new();
    for text in ["1", "2", "3", "4", "5", "6", "7", "8", "9"] {
        numbers.push(scene.misses(&scene.alice.jid, text).await?);
    }
    scene.writer.session.chat(&scene.alice.jid, "late").await?;
    scene.writer.settled().await?;
    scene.poser.settled().await?;
    assert_eq!(scene.poser.heard("late</body>"), 0);
    scene.defers(&numbers[0], &recipient("a", "phone"))?;
    let told = |heard: &[String]| heard.iter().any(|stanza| stanza.contains("late</body>"));
    scene.poser.component.hears_until(told).await.map(drop)
}

#[tokio::test]
async fn what_is_resumed_and_what_is_new_take_turns() -> Result<()> {
    let scene = Scene::shared().await?;
    let others = [
        scene.link.sleeper("bob").await?,
        scene.link.sleeper("carol").await?,
    ];
    acknowledges_all(&scene.poser).await?;
    let mut waiting = Vec::new();
    for text in ["1", "2", "3"] {
        waiting.push(scene.waits(text).await?);
    }
    let narrow = "hello version='2' session='first' instance='i' window='2' users='0'";
    scene.poser.says(narrow, "")?;
    let (one, two) = (
        scene.misses(&scene.alice.jid, "full").await?,
        scene.misses(&scene.alice.jid, "fuller").await?,
    );
    scene.resumes(&format!("{}-{}", waiting[0], waiting[2]))?;
    for other in &others {
        scene.writer.session.chat(&other.jid, "new").await?;
    }
    scene.writer.settled().await?;
    assert_eq!(scene.told_again().await?, 0, "the window is full");
    scene
        .poser
        .says("ack session='first'", &format!("{one} {two}"))?;
    assert_eq!(scene.told_again().await?, 1);
    assert_eq!(scene.poser.heard("new</body>"), 1);
    Ok(())
}

#[tokio::test]
async fn what_joins_a_deferred_event_is_told_with_it() -> Result<()> {
    let scene = Scene::shared().await?;
    let one = scene.waits("one").await?;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let two = scene.misses(&scene.alice.jid, "two").await?;
    let into = format!("defer session='first' n='{two}' into='{one}'");
    scene.poser.says(&into, &recipient("b", "phone"))?;
    let three = scene.misses(&scene.alice.jid, "three").await?;
    // What is told within a second counts as now.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    scene.resumes(&format!("{one}-{two}"))?;
    let heard = scene.hears_again(1).await?;
    let told = again(&heard)[0];
    assert_eq!(attribute(told, "count"), Some("2"), "{told}");
    assert!(attribute(told, "first") < attribute(told, "last"), "{told}");
    assert!(told.contains("two</body>"), "the newer: {told}");
    assert_eq!(recipients(told), recipient("b", "phone"));
    // It is outstanding now, and what joins it can join nothing.
    let into = format!("defer session='first' n='{three}' into='{one}'");
    scene.poser.says(&into, &recipient("c", "phone"))?;
    let heard = scene.hears_again(2).await?;
    let told = again(&heard)[1];
    let was = format!("{}:{three}", epoch(&scene.poser));
    assert_eq!(attribute(told, "was"), Some(was.as_str()));
    assert_eq!(recipients(told), recipient("c", "phone"));
    Ok(())
}

#[tokio::test]
async fn what_is_new_never_joins_what_is_deferred() -> Result<()> {
    let scene = Scene::shared().await?;
    let number = scene.waits("one").await?;
    scene.poser.says("bye", "")?;
    scene.poser.settled().await?;
    scene.writer.session.chat(&scene.alice.jid, "two").await?;
    scene.writer.settled().await?;
    scene.poser.says_hello("first", None)?;
    let told = |heard: &[String]| heard.iter().any(|stanza| stanza.contains("two</body>"));
    let heard = scene.poser.component.hears_until(told).await?;
    let new = events(&heard, "offline");
    let new = new.last().copied().unwrap_or_default();
    assert_eq!(
        (attribute(new, "count"), attribute(new, "was")),
        (None, None)
    );
    scene.resumes(&number)?;
    let heard = scene.hears_again(1).await?;
    assert!(again(&heard)[0].contains("one</body>"), "{heard:#?}");
    Ok(())
}

#[tokio::test]
async fn whoever_is_back_is_no_recipient_any_more() -> Result<()> {
    let scene = Scene::shared().await?;
    let (phone, tablet) = (recipient("a", "phone"), recipient("b", "tablet"));
    let mut numbers = Vec::new();
    for (text, recipients) in [
        ("both", [phone.clone(), tablet.clone()].concat()),
        ("phone", phone),
        ("unknown", "<for id='c'/>".to_owned()),
    ] {
        let number = scene.misses(&scene.alice.jid, text).await?;
        scene.defers(&number, &recipients)?;
        numbers.push(number);
    }
    scene.poser.settled().await?;
    scene
        .alice
        .session
        .connect(&Login::new(
            &scene.alice.jid,
            "phone",
            scene.alice.proxy.port(),
        ))
        .await?;
    scene.alice.session.available(-1).await?;
    scene.poser.settled().await?;
    assert_eq!(scene.poser.heard("<withdraw"), 0, "takes no messages yet");
    scene.alice.session.available(0).await?;
    let ended = format!("{}-{}", numbers[1], numbers[2]);
    scene.hears_withdrawn(&[&ended]).await?;
    scene.resumes(&format!("{}-{}", numbers[0], numbers[2]))?;
    let heard = scene.hears_again(1).await?;
    assert_eq!(recipients(again(&heard)[0]), tablet);
    assert_eq!(scene.told_again().await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_resumption_takes_recipients_off() -> Result<()> {
    let scene = Scene::shared().await?;
    let alice = scene.link.client("alice").await?.available().await?;
    alice.hibernates().await;
    scene.writer.session.chat(&alice.jid, "one").await?;
    let told = |heard: &[String]| !events(heard, "queued").is_empty();
    let heard = scene.poser.component.hears_until(told).await?;
    let queued = events(&heard, "queued")[0];
    let number = attribute(queued, "n").unwrap_or_default();
    scene.defers(number, &recipient("a", "phone"))?;
    scene.poser.settled().await?;
    alice.proxy.refuse(false);
    alice.session.resume(alice.proxy.port()).await?;
    scene.hears_withdrawn(&[number]).await
}

#[tokio::test]
async fn who_is_back_while_the_service_is_away_is_told_at_its_hello() -> Result<()> {
    let scene = Scene::shared().await?;
    let number = scene.waits("one").await?;
    scene.poser.says("bye", "")?;
    scene.poser.settled().await?;
    scene.alice.back().await?;
    scene.alice.settled().await?;
    scene.poser.settled().await?;
    assert_eq!(scene.poser.heard("<withdraw"), 0);
    scene.poser.says_hello("second", None)?;
    scene.hears_withdrawn(&[&number]).await?;
    scene.poser.says_hello("third", None)?;
    scene.poser.is_answered("third").await?;
    scene.poser.settled().await?;
    scene.hears_withdrawn(&[&number]).await
}

/// The service may never acknowledge what it has put aside.
#[tokio::test]
async fn a_deferral_that_crosses_a_withdrawal_gives_the_place_free() -> Result<()> {
    let scene = Scene::shared().await?;
    let bob = scene.link.sleeper("bob").await?;
    acknowledges_all(&scene.poser).await?;
    let mut numbers = Vec::new();
    for text in ["1", "2", "3", "4", "5", "6", "7", "8", "9"] {
        numbers.push(scene.misses(&scene.alice.jid, text).await?);
    }
    scene.alice.back().await?;
    let all = format!("{}-{}", numbers[0], numbers[8]);
    scene.hears_withdrawn(&[&all]).await?;
    scene.writer.session.chat(&bob.jid, "late").await?;
    scene.writer.settled().await?;
    scene.poser.settled().await?;
    assert_eq!(scene.poser.heard("late</body>"), 0);
    scene.defers(&numbers[8], &recipient("a", "tablet"))?;
    let told = |heard: &[String]| heard.iter().any(|stanza| stanza.contains("late</body>"));
    scene.poser.component.hears_until(told).await?;
    scene.resumes(&numbers[8])?;
    assert_eq!(scene.told_again().await?, 0);
    scene.poser.says_hello("second", None)?;
    let late = |heard: &[String]| {
        let again = withdrawn(heard).split_off(1).join(" ");
        let unacknowledged = format!("{}-{}", numbers[0], numbers[7]);
        again == format!("{unacknowledged} {}", numbers[8])
    };
    scene.poser.component.hears_until(late).await.map(drop)
}

#[tokio::test]
async fn an_acknowledgement_ends_what_is_deferred() -> Result<()> {
    let scene = Scene::shared().await?;
    let (one, two) = (scene.waits("one").await?, scene.waits("two").await?);
    scene.poser.says("ack session='first'", &one)?;
    scene.resumes(&format!("{one}-{two}"))?;
    let heard = scene.hears_again(1).await?;
    assert!(again(&heard)[0].contains("two</body>"), "{heard:#?}");
    assert_eq!(scene.told_again().await?, 1);
    assert_eq!(scene.poser.heard("<withdraw"), 0);
    Ok(())
}

#[tokio::test]
async fn with_the_last_registration_all_ends() -> Result<()> {
    let scene = Scene::shared().await?;
    let (one, two) = (scene.waits("one").await?, scene.waits("two").await?);
    let none = format!("<none>{}</none>", user(&scene.alice.jid));
    scene.poser.says("users n='1'", &none)?;
    scene.hears_withdrawn(&[&format!("{one}-{two}")]).await?;
    scene.resumes(&format!("{one}-{two}"))?;
    assert_eq!(scene.told_again().await?, 0);
    Ok(())
}

#[tokio::test]
async fn with_the_account_all_ends() -> Result<()> {
    let scene = Scene::shared().await?;
    let bob = scene.link.client("bob").await?;
    let number = scene.misses(&bob.jid, "one").await?;
    scene.defers(&number, &recipient("a", "phone"))?;
    scene.poser.settled().await?;
    bob.session.unregister().await?;
    scene.hears_withdrawn(&[&number]).await
}

/// So many of one user, and so many of all; the eldest go.
#[tokio::test]
async fn over_its_bounds_the_eldest_end() -> Result<()> {
    let server = Ejabberd::start(EjabberdConfig {
        adapter_options: "deferred_entries: 21".to_owned(),
        ..config(1)
    })
    .await?;
    let scene = Scene::with(&server).await?;
    let bob = scene.link.sleeper("bob").await?;
    let mut numbers = Vec::new();
    for text in 1..=21 {
        numbers.push(scene.waits(&format!("no {text}")).await?);
    }
    scene.hears_withdrawn(&[&numbers[0]]).await?;
    for text in ["one", "two"] {
        let number = scene.misses(&bob.jid, text).await?;
        scene.defers(&number, &recipient("b", "phone"))?;
    }
    scene.hears_withdrawn(&[&numbers[0], &numbers[1]]).await?;
    scene.poser.says_hello("second", None)?;
    scene.poser.is_answered("second").await?;
    let heard = scene.poser.component.heard();
    let hello = heard.iter().rfind(|stanza| stanza.contains("<hello"));
    let told = |name| attribute(hello?, name);
    assert_eq!((told("dropped"), told("deferred")), (Some("2"), Some("21")));
    Ok(())
}

/// Over the bytes they lose their messages before others do.
#[tokio::test]
async fn what_is_deferred_loses_its_message_first() -> Result<()> {
    let server = Ejabberd::start(EjabberdConfig {
        adapter_options: "buffer_bytes: 4000".to_owned(),
        ..config(1)
    })
    .await?;
    let scene = Scene::with(&server).await?;
    let long = "x".repeat(1500);
    let one = scene.waits(&format!("{long} one")).await?;
    let two = scene.misses(&scene.alice.jid, &format!("{long} two")).await;
    assert!(two.is_ok(), "with its message");
    scene.resumes(&one)?;
    let heard = scene.hears_again(1).await?;
    let told = again(&heard)[0];
    assert!(!told.contains("<body"), "{told}");
    Ok(())
}
