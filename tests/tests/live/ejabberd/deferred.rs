//! Events that wait for a push service wait at the adapter: told again, joined, and in nobody's way.

use push_tests::live::Result;
use std::time::Duration;

use super::deferring::{Scene, again, epoch, recipient, recipients};
use super::played::{acknowledges_all, attribute, events};
use super::suite::posing::WINDOW;

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
    for n in 1..=WINDOW {
        numbers.push(scene.misses(&scene.alice.jid, &n.to_string()).await?);
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
    // A time within the last second counts as now.
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
    let new = events(&heard, "offline").into_iter();
    let mut new = new.filter(|event| event.contains("two</body>"));
    let new = new.next().unwrap_or_default();
    assert_eq!(
        (attribute(new, "count"), attribute(new, "was")),
        (None, None)
    );
    scene.resumes(&number)?;
    let heard = scene.hears_again(1).await?;
    assert!(again(&heard)[0].contains("one</body>"), "{heard:#?}");
    Ok(())
}
