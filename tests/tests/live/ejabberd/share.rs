//! One user's share of what is kept.

use push_tests::live::Result;
use push_tests::live::ejabberd::{Ejabberd, EjabberdConfig};

use super::config;
use super::deferring::Scene;
use super::played::{attribute, events, user};

async fn server(entries: u32) -> Result<Ejabberd> {
    Ejabberd::start(EjabberdConfig {
        adapter_options: format!("buffer_entries_per_user: {entries}"),
        ..config(1)
    })
    .await
}

/// The numbers of the events about messages that this user misses.
fn missed<'a>(heard: &'a [String], jid: &str) -> Vec<&'a str> {
    events(heard, "offline")
        .into_iter()
        .filter(|event| attribute(event, "user") == Some(user(jid)))
        .filter_map(|event| attribute(event, "n"))
        .collect()
}

#[tokio::test]
async fn a_user_who_misses_much_leaves_the_window_to_others() -> Result<()> {
    let server = server(3).await?;
    let scene = Scene::with(&server).await?;
    let bob = scene.link.sleeper("bob").await?;
    let alice = &scene.alice.jid;
    for text in ["1", "2", "3", "4", "5", "6"] {
        scene.writer.session.chat(alice, text).await?;
    }
    scene.misses(&bob.jid, "other").await?;
    scene.poser.settled().await?;
    let heard = scene.poser.component.heard();
    let numbers = missed(&heard, alice);
    assert_eq!(numbers.len(), 3, "{heard:#?}");
    scene.poser.says("ack session='first'", numbers[1])?;
    let joined = |heard: &[String]| missed(heard, alice).len() == 4;
    let heard = scene.poser.component.hears_until(joined).await?;
    let last = events(&heard, "offline").pop().unwrap_or_default();
    assert_eq!(attribute(last, "count"), Some("3"));
    assert!(last.contains("6</body>"), "{last}");
    Ok(())
}

/// With a session that takes no messages each is told of twice: it is archived, and then stored.
#[tokio::test]
async fn over_their_share_a_user_loses_the_own_eldest() -> Result<()> {
    let server = server(1).await?;
    let scene = Scene::with(&server).await?;
    let (bob, carol) = (
        scene.link.client("bob").await?,
        scene.link.sleeper("carol").await?,
    );
    scene.poser.settled().await?;
    scene.poser.says("ack session='first'", "1-1000")?;
    scene.poser.says("bye", "")?;
    scene.poser.settled().await?;
    for to in [&carol, &bob] {
        scene.writer.session.chat(&to.jid, "one").await?;
    }
    scene.writer.settled().await?;
    scene.poser.says_hello("second", None)?;
    let told = |heard: &[String]| !missed(heard, &bob.jid).is_empty();
    let heard = scene.poser.component.hears_until(told).await?;
    let hello = heard.iter().rfind(|stanza| stanza.contains("<hello"));
    let dropped = hello.and_then(|hello| attribute(hello, "dropped"));
    assert_eq!(dropped, Some("1"));
    assert_eq!(missed(&heard, &carol.jid).len(), 1);
    assert!(events(&heard, "archived").is_empty(), "{heard:#?}");
    Ok(())
}
