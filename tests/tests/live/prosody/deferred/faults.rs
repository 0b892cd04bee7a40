//! Faults amid a deferral: the event is told again rather than lost.

use super::super::config;
use super::super::played::{Hello, Played};
use super::scene::{PHONE, Scene, again, calm, defer, join, quiet, resume};
use push_tests::live::Result;
use push_tests::live::home::overlay;
use push_tests::live::prosody::{Prosody, ProsodyConfig};
use push_tests::live::slot::Slot;

const FAULT: &str = "A fault while handling defer";

/// A scene with one account and an adapter that has this code at the beginning of one of its functions.
async fn faulty(file: &str, function: &str, fault: &str) -> Result<Scene> {
    let code = overlay("adapters/prosody", file, &[(function, fault)])?;
    let server = Prosody::start(ProsodyConfig {
        plugins: vec![code.path().to_owned()],
        ..config(1)
    })
    .await?;
    let played = Played::connect(Slot::new(0), (&server).into()).await?;
    Scene::on(server, played, 1, calm(Hello::of("first"))).await
}

fn count_faults(scene: &Scene) -> Result<usize> {
    let log = scene.server.process()?.log_since(0)?;
    Ok(log.matches(FAULT).count())
}

/// Lets the first account miss a message whose deferral fails. Returns its number.
async fn fails(scene: &mut Scene) -> Result<String> {
    let alice = scene.jids[0].clone();
    let number = scene.miss(&alice, "hello").await?;
    defer(&scene.played, &number, PHONE)?;
    scene.played.settled().await?;
    assert_eq!(count_faults(scene)?, 1);
    Ok(number)
}

#[tokio::test]
async fn an_event_that_could_not_be_deferred_stays_outstanding() -> Result<()> {
    let mut scene = faulty(
        "mod_xmpp_push/deferred.lib.lua",
        "local function enter(self, entry, place)",
        "error(\"injected\");",
    )
    .await?;
    let number = fails(&mut scene).await?;
    scene.played.greet(again("later", "first")).await?;
    let number = format!(" n='{number}'");
    scene
        .played
        .hears_times(&["<event", &number, ">hello</body>"], 2)
        .await
}

/// The fault comes behind the deferral: the event is told again, deferred again, and yet one.
#[tokio::test]
async fn an_event_whose_deferral_failed_at_its_end_is_told_once_when_it_is_resumed() -> Result<()> {
    let mut scene = faulty(
        "mod_xmpp_push/deferred.lib.lua",
        "local function make_room(self, name)",
        "if not self.kept.failed then self.kept.failed = true; error(\"injected\"); end",
    )
    .await?;
    let number = fails(&mut scene).await?;
    scene.played.greet(calm(Hello::of("first"))).await?;
    let name = format!(" n='{number}'");
    scene.played.hears_times(&["<event", &name], 2).await?;
    defer(&scene.played, &number, PHONE)?;
    resume(&scene.played, "first", &number)?;
    let name = format!("was='{}:{number}'", scene.played.epoch());
    scene.played.hears_all(&[&name, ">hello</body>"]).await?;
    let alice = scene.jids[0].clone();
    let told = scene.told(&alice, "hello").await?;
    scene.played.acknowledge("first", &told)?;
    // Nothing is left that another run would be told of.
    scene.played.greet(calm(Hello::of("second"))).await?;
    quiet().await;
    assert_eq!(scene.played.count(&name), 1);
    let log = scene.server.process()?.log_since(0)?;
    assert_eq!(log.matches("A fault").count(), 1, "{log}");
    Ok(())
}

#[tokio::test]
async fn two_events_that_could_not_be_joined_are_both_told() -> Result<()> {
    let mut scene = faulty(
        "mod_xmpp_push/messages.lib.lua",
        "local function release(kept, entry)",
        "if entry.recipients and entry.message and not kept.failed then kept.failed = true; error(\"injected\"); end",
    )
    .await?;
    let alice = scene.jids[0].clone();
    let first = scene.defer(&alice, "one", PHONE).await?;
    let second = scene.miss(&alice, "two").await?;
    join(&scene.played, &second, &first.number, PHONE)?;
    scene.played.settled().await?;
    assert_eq!(count_faults(&scene)?, 1);
    resume(&scene.played, "first", &first.number)?;
    scene.played.hears(&first.name).await?;
    scene.played.greet(again("later", "first")).await?;
    let number = format!(" n='{second}'");
    scene
        .played
        .hears_times(&["<event", &number, ">two</body>"], 2)
        .await
}
