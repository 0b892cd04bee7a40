//! Deferred events survive reloads, restarts, and the death of the server.

use super::super::bounds::{accounts, user, write};
use super::super::played::{Hello, Played, attribute};
use super::super::{Own, config};
use super::scene::{PHONE, Scene, TABLET, again, calm, defer, quiet, resume};
use push_tests::live::Result;
use push_tests::live::prosody::{Prosody, ProsodyConfig};
use push_tests::live::slot::Slot;
use std::slice::from_ref;
use std::time::Duration;

#[tokio::test]
async fn a_reload_keeps_what_is_deferred_as_it_is() -> Result<()> {
    let mut scene = Scene::set("", 1).await?;
    let alice = scene.jids[0].clone();
    let deferred = scene.defer(&alice, "hello", PHONE).await?;
    let host = Slot::new(0).host();
    scene.server.reload_module("xmpp_push", &host).await?;
    scene.played.greet(again("later", "first")).await?;
    quiet().await;
    assert_eq!(scene.played.count(&deferred.name), 0);
    resume(&scene.played, "later", &deferred.number)?;
    scene
        .played
        .hears_all(&[&deferred.name, ">hello</body>", "id='p'"])
        .await
}

#[tokio::test]
async fn a_restart_in_order_keeps_what_is_deferred_and_what_was_told_again() -> Result<()> {
    let mut scene = Scene::set("", 1).await?;
    let alice = scene.jids[0].clone();
    let deferred = scene.defer(&alice, "one", PHONE).await?;
    let told = scene.defer(&alice, "two", TABLET).await?;
    resume(&scene.played, "first", &told.number)?;
    scene.played.hears(&told.name).await?;
    let epoch = scene.played.epoch();
    scene.server.restart().await?;
    scene.played.service.connected().await?;
    scene.played.greet(again("later", "first")).await?;
    assert_ne!(scene.played.epoch(), epoch);
    let words = [deferred.name.as_str(), ">one</body>", "id='p'", "r='phone'"];
    scene.played.hears_all(&words).await?;
    let words = [told.name.as_str(), ">two</body>", "id='t'"];
    scene.played.hears_all(&words).await?;
    assert_eq!(scene.played.count_of(&words), 2);
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_killed_keeps_the_wake_ups_that_were_deferred_before() -> Result<()> {
    let mut scene = Scene::set("xmpp_push_deferred_interval = 1", 1).await?;
    let alice = scene.jids[0].clone();
    let ended = scene.defer(&alice, "one", PHONE).await?;
    let deferred = scene.defer(&alice, "two", PHONE).await?;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    scene.played.acknowledge("first", &ended.number)?;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    // Twice: what was read has to be kept, too.
    for session in ["second", "third"] {
        scene.server.kill()?;
        scene.server.start_again().await?;
        scene.played.service.connected().await?;
        scene.played.greet(again(session, session)).await?;
        scene.played.hears(&deferred.name).await?;
    }
    quiet().await;
    let told = scene.played.last(&[&deferred.name]).unwrap_or_default();
    assert!(told.contains("id='p'") && !told.contains("<body"), "{told}");
    assert_eq!(scene.played.count(&deferred.name), 2);
    assert_eq!(scene.played.count(&ended.name), 0);
    Ok(())
}

/// It is outstanding by then, but was deferred once.
#[tokio::test]
async fn a_server_that_is_killed_keeps_what_was_told_again_and_not_acknowledged() -> Result<()> {
    let mut scene = Scene::set("xmpp_push_deferred_interval = 1", 1).await?;
    let alice = scene.jids[0].clone();
    let ended = scene.defer(&alice, "one", PHONE).await?;
    let kept = scene.defer(&alice, "two", TABLET).await?;
    resume(&scene.played, "first", "1-100")?;
    scene.played.hears(&kept.name).await?;
    let number = scene.told(&alice, "one").await?;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    scene.played.acknowledge("first", &number)?;
    scene.played.settled().await?;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    scene.server.kill()?;
    scene.server.start_again().await?;
    scene.played.service.connected().await?;
    scene.played.greet(calm(Hello::of("second"))).await?;
    scene.played.hears_times(&[&kept.name, "id='t'"], 2).await?;
    quiet().await;
    assert_eq!(scene.played.count(&ended.name), 1);
    Ok(())
}

#[tokio::test]
async fn what_ended_before_a_restart_in_order_does_not_come_back() -> Result<()> {
    let mut scene = Scene::set("xmpp_push_deferred_interval = 1", 1).await?;
    let alice = scene.jids[0].clone();
    let deferred = scene.defer(&alice, "one", PHONE).await?;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    scene.played.acknowledge("first", &deferred.number)?;
    scene.played.settled().await?;
    scene.server.restart().await?;
    scene.played.service.connected().await?;
    scene.played.greet(calm(Hello::of("second"))).await?;
    quiet().await;
    assert_eq!(scene.played.count(&deferred.name), 0);
    Ok(())
}

/// Lines of the store: of an event, its words and then its recipients.
const STORED: &str = r#"return {
    version = 2;
    lines = {
        "";
        "offline\31user";
        "offline\31USER\31\31\31\31\31\31other:7\31\31a\31phone";
        "offline\31USER\31\0312\0311790000000000\0311790000000001\0311\31other:8\31k1 k2\31b\31phone";
    };
};
"#;

/// A file may be half-written, or of another version of the module.
#[tokio::test]
async fn what_is_missing_in_the_store_costs_no_other_event() -> Result<()> {
    let mut scene = Scene::set("", 1).await?;
    let user = user(&scene.jids[0]);
    scene.server.stop().await?;
    let folder = Slot::new(0).host().replace('.', "%2e");
    let file = format!("{folder}/xmpp_push_deferred.dat");
    let name = user.split('\'').nth(1).unwrap_or_default();
    std::fs::write(scene.server.data_file(&file), STORED.replace("USER", name))?;
    scene.server.start_again().await?;
    scene.played.service.connected().await?;
    scene.played.greet(calm(Hello::of("second"))).await?;
    let whole = [
        "was='other:8'",
        &user,
        "count='2'",
        "first='1790000000000'",
        "keys='k1 k2'",
    ];
    scene.played.hears_all(&whole).await?;
    scene.played.hears_all(&["was='other:7'", &user]).await?;
    let log = scene.server.process()?.log_since(0)?;
    assert_eq!(log.matches("A fault").count(), 0, "{log}");
    Ok(())
}

#[tokio::test]
async fn what_is_deferred_moves_with_its_user_to_another_shard() -> Result<()> {
    let slot = Slot::new(0);
    let server = Prosody::start(ProsodyConfig {
        host_settings: "xmpp_push_deferred_interval = 1".to_owned(),
        ..config(2)
    })
    .await?;
    let mut server = Own(server);
    let first = Played::connect(slot, server.ports()).await?;
    first.greet(calm(Hello::of("first"))).await?;
    let (mut writer, jids) = accounts(&server.0, 1).await?;
    let alice = slot.user_of_shard("alice", 1);
    writer.register(&alice).await?;
    writer.log_in(&jids[0]).await?;
    write(&mut writer, from_ref(&alice), 1).await?;
    let told = ["<event", &user(&alice)];
    first.hears_all(&told).await?;
    let event = first.last(&told).unwrap_or_default();
    defer(&first, attribute(&event, "n"), PHONE)?;
    let name = format!("was='{}:{}'", first.epoch(), attribute(&event, "n"));
    server.shard(true);
    server.reload().await?;
    let [_, component] = slot.components();
    let second = Played::connect_as(&component, slot, server.ports()).await?;
    second.greet(calm(Hello::of("second"))).await?;
    second.hears_all(&[&name, ">hello</body>", "id='p'"]).await
}
