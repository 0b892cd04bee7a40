//! Deferred events that end: their recipients are back, the service is done with them, or they are too many.

use push_tests::live::Result;
use push_tests::live::ejabberd::{Ejabberd, EjabberdConfig};
use push_tests::live::puppet::Login;

use super::config;
use super::deferring::{Scene, again, recipient, recipients};
use super::played::{acknowledges_all, attribute, events, user};
use super::withdrawn::withdrawn;

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

/// Its event is not withdrawn, since that is up to the service. What the service says later cannot be for the device that is back.
#[tokio::test]
async fn whoever_was_back_before_the_deferral_is_no_recipient() -> Result<()> {
    let scene = Scene::shared().await?;
    let alice = scene.link.client("alice").await?;
    let mut numbers = Vec::new();
    for text in ["one", "two"] {
        scene.writer.session.chat(&alice.jid, text).await?;
        let body = format!("{text}</body>");
        let is = |event: &&str| event.contains(&body);
        let told = |heard: &[String]| events(heard, "archived").iter().any(is);
        let heard = scene.poser.component.hears_until(told).await?;
        let event = events(&heard, "archived").into_iter().find(is);
        let number = event.and_then(|event| attribute(event, "n"));
        numbers.push(number.unwrap_or_default().to_owned());
    }
    alice.session.available(0).await?;
    scene.poser.settled().await?;
    let (phone, tablet) = (recipient("a", "phone"), recipient("b", "tablet"));
    scene.defers(&numbers[0], &phone)?;
    // Before, what offline storage had was withdrawn.
    let ended = |heard: &[String]| withdrawn(heard).last() == Some(&numbers[0].as_str());
    scene.poser.component.hears_until(ended).await?;
    scene.defers(&numbers[1], &[phone, tablet.clone()].concat())?;
    scene.resumes(&numbers[1])?;
    let is_again = |stanza: &&String| attribute(stanza, "was").is_some();
    let again = |heard: &[String]| heard.iter().any(|stanza| is_again(&stanza));
    let heard = scene.poser.component.hears_until(again).await?;
    let event = heard.iter().find(is_again).map_or("", String::as_str);
    assert_eq!(recipients(event), tablet);
    Ok(())
}

#[tokio::test]
async fn an_event_that_is_deferred_for_nobody_ends() -> Result<()> {
    let scene = Scene::shared().await?;
    let number = scene.misses(&scene.alice.jid, "one").await?;
    scene.defers(&number, "<for r='phone'/>")?;
    scene.hears_withdrawn(&[&number]).await?;
    scene.resumes(&number)?;
    assert_eq!(scene.told_again().await?, 0);
    Ok(())
}

#[tokio::test]
async fn news_of_an_account_cannot_be_deferred() -> Result<()> {
    let scene = Scene::shared().await?;
    scene.link.client("bob").await?;
    scene.poser.settled().await?;
    let heard = scene.poser.component.heard();
    let told = events(&heard, "created").len();
    let created = events(&heard, "created").pop().unwrap_or_default();
    let number = attribute(created, "n").unwrap_or_default();
    scene.defers(number, &recipient("a", "phone"))?;
    scene.poser.settled().await?;
    scene.poser.says_hello("second", None)?;
    let again = |heard: &[String]| events(heard, "created").len() > told;
    let heard = scene.poser.component.hears_until(again).await?;
    let created = events(&heard, "created").pop().unwrap_or_default();
    assert_eq!(attribute(created, "n"), Some(number));
    assert_eq!(attribute(created, "was"), None);
    Ok(())
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
async fn a_deferral_that_crosses_a_withdrawal_frees_its_place() -> Result<()> {
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

/// The oldest has the lowest number, in whatever order they are deferred and joined.
#[tokio::test]
async fn an_event_that_another_has_joined_is_as_old_as_before() -> Result<()> {
    let server = Ejabberd::start(EjabberdConfig {
        adapter_options: "max_deferred: 2".to_owned(),
        ..config(1)
    })
    .await?;
    let scene = Scene::with(&server).await?;
    let one = scene.misses(&scene.alice.jid, "one").await?;
    let two = scene.waits("two").await?;
    scene.defers(&one, &recipient("a", "phone"))?;
    let joining = scene.misses(&scene.alice.jid, "joining").await?;
    let into = format!("defer session='first' n='{joining}' into='{one}'");
    scene.poser.says(&into, &recipient("a", "phone"))?;
    scene.waits("three").await?;
    scene.hears_withdrawn(&[&one]).await?;
    scene.waits("four").await?;
    scene.hears_withdrawn(&[&one, &two]).await
}

/// So many of one user, and so many of all; the eldest go.
#[tokio::test]
async fn over_its_bounds_the_eldest_end() -> Result<()> {
    at_most("max_deferred: 21", 20).await
}

#[tokio::test]
async fn over_bounds_that_are_configured_the_eldest_end() -> Result<()> {
    at_most("max_deferred: 4, max_deferred_per_user: 3", 3).await
}

/// So many of one user, and one more of all.
async fn at_most(options: &str, of_user: usize) -> Result<()> {
    let server = Ejabberd::start(EjabberdConfig {
        adapter_options: options.to_owned(),
        ..config(1)
    })
    .await?;
    let scene = Scene::with(&server).await?;
    let bob = scene.link.sleeper("bob").await?;
    let mut numbers = Vec::new();
    for text in 1..=of_user + 1 {
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
    let room = (of_user + 1).to_string();
    assert_eq!(told("dropped"), Some("2"));
    assert_eq!(told("deferred"), Some(room.as_str()));
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
