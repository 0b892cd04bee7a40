//! Deferred events outlive connections, the module, and the server. Another run of the service, and another service, are told of
//! them again.

use push_tests::live::Result;
use push_tests::live::ejabberd::{Ejabberd, EjabberdConfig};
use push_tests::live::slot::Slot;
use push_tests::live::stage::Client;
use std::time::Duration;

use super::Own;
use super::config;
use super::deferring::{Scene, again, epoch, recipient, recipients};
use super::played::{Link, attribute};
use super::suite::posing::Poser;
use super::withdrawn::withdrawn;

/// The number and epoch that this event was deferred under, and its recipients.
fn told(event: &str) -> (&str, String) {
    (
        attribute(event, "was").unwrap_or_default(),
        recipients(event),
    )
}

#[tokio::test]
async fn over_a_lost_connection_events_stay_deferred() -> Result<()> {
    let scene = Scene::on(Link::shared().await?).await?;
    let number = scene.waits("one").await?;
    scene.poser.component.disconnect();
    scene.writer.settled().await?;
    let poser = scene.link.attached("second").await?;
    poser.settled().await?;
    assert!(again(&poser.component.heard()).is_empty());
    assert_eq!(poser.heard("one</body>"), 0);
    poser.says("resume session='second'", &number)?;
    let resumed = |heard: &[String]| again(heard).len() == 1;
    poser.component.hears_until(resumed).await.map(drop)
}

#[tokio::test]
async fn another_run_of_the_service_is_told_all_of_them() -> Result<()> {
    let scene = Scene::on(Link::shared().await?).await?;
    let (one, two) = (scene.waits("one").await?, scene.waits("two").await?);
    let another = "hello version='2' session='second' instance='j' window='9' users='0'";
    scene.poser.says(another, "")?;
    let heard = scene.hears_again(2).await?;
    let epoch = epoch(&scene.poser);
    for (event, number) in again(&heard).iter().zip([one, two]) {
        let was = format!("{epoch}:{number}");
        assert_eq!(told(event), (was.as_str(), recipient("a", "phone")));
    }
    Ok(())
}

#[tokio::test]
async fn over_a_reload_of_the_module_events_stay_deferred() -> Result<()> {
    let server = Own::start().await?;
    let scene = Scene::on(Link::on(server.ports())).await?;
    let number = scene.waits("one").await?;
    server.reload_adapter(&scene.link.slot.host()).await?;
    scene.poser.says_hello("first", None)?;
    scene.poser.settled().await?;
    assert_eq!(again(&scene.poser.component.heard()).len(), 0);
    scene.resumes(&number)?;
    let heard = scene.hears_again(1).await?;
    assert!(again(&heard)[0].contains("one</body>"), "{heard:#?}");
    Ok(())
}

/// With its message; and what was outstanding after it was deferred stays what it was.
#[tokio::test]
async fn over_an_orderly_restart_all_is_kept_and_told_again() -> Result<()> {
    let mut server = Ejabberd::start(config(1)).await?;
    let scene = Scene::with(&server).await?;
    let (one, two) = (scene.waits("one").await?, scene.waits("two").await?);
    scene.resumes(&one)?;
    scene.hears_again(1).await?;
    let before = epoch(&scene.poser);
    server.restart().await?;
    scene.poser.component.connected().await?;
    scene.poser.says_hello("second", None)?;
    let heard = scene.hears_again(3).await?;
    assert_ne!(epoch(&scene.poser), before);
    for (event, (number, body)) in again(&heard)[1..]
        .iter()
        .zip([(one, "one</body>"), (two, "two</body>")])
    {
        let was = format!("{before}:{number}");
        assert_eq!(told(event), (was.as_str(), recipient("a", "phone")));
        assert!(event.contains(body), "{event}");
    }
    Ok(())
}

/// A server that writes down every second what is deferred.
async fn writing_often() -> Result<Ejabberd> {
    Ejabberd::start(EjabberdConfig {
        adapter_options: "deferred_interval: 1 second".to_owned(),
        ..config(1)
    })
    .await
}

/// The server is killed twice: an event that is told again and deferred again has to be written down anew.
#[tokio::test]
async fn a_server_that_is_killed_keeps_events_without_their_messages() -> Result<()> {
    let mut server = writing_often().await?;
    let scene = Scene::with(&server).await?;
    let ended = scene.waits("ended").await?;
    let mut number = scene.waits("one").await?;
    scene.poser.says("ack session='first'", &ended)?;
    for round in 1..=2 {
        scene.poser.settled().await?;
        tokio::time::sleep(Duration::from_millis(2500)).await;
        let was = format!("{}:{number}", epoch(&scene.poser));
        server.kill()?;
        server.start_again().await?;
        scene.poser.component.connected().await?;
        scene.poser.says_hello("first", None)?;
        let heard = scene.hears_again(round).await?;
        let event = again(&heard)[round - 1];
        assert_eq!(told(event), (was.as_str(), recipient("a", "phone")));
        assert!(!event.contains("<body"), "{event}");
        number = attribute(event, "n").unwrap_or_default().to_owned();
        scene.defers(&number, &recipient("a", "phone"))?;
    }
    Ok(())
}

/// It is outstanding by then, but was deferred once.
#[tokio::test]
async fn a_server_that_is_killed_keeps_what_was_told_again_and_not_acknowledged() -> Result<()> {
    let mut server = writing_often().await?;
    let scene = Scene::with(&server).await?;
    let (one, two) = (scene.waits("one").await?, scene.waits("two").await?);
    let was = format!("{}:{two}", epoch(&scene.poser));
    scene.resumes(&format!("{one}-{two}"))?;
    let heard = scene.hears_again(2).await?;
    let number = attribute(again(&heard)[0], "n").unwrap_or_default();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    scene.poser.says("ack session='first'", number)?;
    scene.poser.settled().await?;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    server.kill()?;
    server.start_again().await?;
    scene.poser.component.connected().await?;
    scene.poser.says_hello("second", None)?;
    let heard = scene.hears_again(3).await?;
    let event = again(&heard)[2];
    assert_eq!(told(event), (was.as_str(), recipient("a", "phone")));
    assert_eq!(scene.told_again().await?, 3, "and nothing else");
    Ok(())
}

/// The server is killed twice: the file that can be read has to stay, too.
#[tokio::test]
async fn a_file_that_cannot_be_read_hides_no_other() -> Result<()> {
    let mut server = writing_often().await?;
    let scene = Scene::with(&server).await?;
    let number = scene.waits("one").await?;
    let was = format!("{}:{number}", epoch(&scene.poser));
    let kept = |which| server.data_file(&format!("xmpp_push_{}.{which}", scene.link.slot.host()));
    let (deferred, missed) = (kept("deferred"), kept("missed"));
    for _ in 0..100 {
        if !deferred.exists() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    assert!(deferred.exists());
    std::fs::write(&missed, "something else")?;
    for session in ["second", "third"] {
        server.kill()?;
        server.start_again().await?;
        scene.poser.component.connected().await?;
        scene.poser.says_hello(session, None)?;
        let is = |event: &&str| attribute(event, "was") == Some(was.as_str());
        let times = if session == "second" { 1 } else { 2 };
        let told = |heard: &[String]| again(heard).into_iter().filter(is).count() == times;
        scene.poser.component.hears_until(told).await?;
    }
    let log = server.process()?.log_since(0)?;
    assert_eq!(log.matches("missed is damaged").count(), 2, "{log}");
    Ok(())
}

#[tokio::test]
async fn when_the_list_changes_events_go_with_their_users() -> Result<()> {
    let mut server = Own::start().await?;
    let slot = Slot::new(0);
    let scene = Scene::on(Link::on(server.ports())).await?;
    let jid = slot.user_of_shard("bob", 1);
    let bob = Client::registering(&jid, "phone", server.ports().c2s).await?;
    bob.session.close().await?;
    bob.session.lost().await?;
    let moving = scene.misses(&jid, "moves").await?;
    scene.defers(&moving, &recipient("b", "phone"))?;
    scene.poser.settled().await?;
    let was = format!("{}:{moving}", epoch(&scene.poser));
    server.shard(true);
    server.reload().await?;
    let [_, second] = slot.components();
    let poser = Poser::connect(&second, slot, server.ports().component).await?;
    poser.says_hello("second", None)?;
    let moved = |heard: &[String]| again(heard).len() == 1;
    let heard = poser.component.hears_until(moved).await?;
    assert_eq!(
        told(again(&heard)[0]),
        (was.as_str(), recipient("b", "phone"))
    );
    scene.poser.says_hello("first", None)?;
    let gone = |heard: &[String]| withdrawn(heard) == [moving.as_str()];
    scene.poser.component.hears_until(gone).await.map(drop)
}
