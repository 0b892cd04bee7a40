//! Stores that fail.

use super::config;
use super::deferred::scene::{PHONE, Scene, again, calm};
use super::played::{Hello, Played};
use push_tests::live::prosody::{Prosody, ProsodyConfig};
use push_tests::live::slot::Slot;
use push_tests::live::{Failure, Result, repository};
use std::time::Duration;

const WRITTEN: &str = "A fault while handling storing";

/// A scene with so many accounts, on a server whose stores of these names have this driver.
async fn scene(count: usize, stores: &[&str], driver: &str) -> Result<Scene> {
    let stores: Vec<_> = stores
        .iter()
        .map(|store| format!("{store} = \"{driver}\""))
        .collect();
    let config = config(1);
    let server = Prosody::start(ProsodyConfig {
        plugins: vec![repository().join("tests/tests/live/prosody/storage")],
        settings: format!("{}; storage = {{ {} }}", config.settings, stores.join("; ")),
        host_settings: "xmpp_push_deferred_interval = 1".to_owned(),
        ..config
    })
    .await?;
    let played = Played::connect(Slot::new(0), (&server).into()).await?;
    Scene::on(server, played, count, calm(Hello::of("first"))).await
}

/// The file that Prosody's own driver has a store of the host in, once it is written.
async fn written(server: &Prosody, store: &str) -> Result<()> {
    let host = Slot::new(0).host().replace('.', "%2e");
    let file = server.data_file(&format!("{host}/{store}.dat"));
    for _ in 0..100 {
        if file.exists() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(Failure::new(format!("{} is not there", file.display())))
}

#[tokio::test]
async fn what_could_not_be_written_is_written_later() -> Result<()> {
    let mut scene = scene(1, &["xmpp_push_deferred"], "hiccup").await?;
    let alice = scene.jids[0].clone();
    let deferred = scene.defer(&alice, "hello", PHONE).await?;
    written(&scene.server, "xmpp_push_deferred").await?;
    let log = scene.server.process()?.log_since(0)?;
    assert_eq!(log.matches(WRITTEN).count(), 1, "{log}");
    scene.server.kill()?;
    scene.server.start_again().await?;
    scene.played.service.connected().await?;
    scene.played.greet(again("second", "second")).await?;
    scene.played.hears(&deferred.name).await
}

#[tokio::test]
async fn without_its_stores_the_module_works_and_says_what_is_lost() -> Result<()> {
    let stores = ["xmpp_push", "xmpp_push_deferred"];
    let scene = scene(0, &stores, "closed").await?;
    let log = scene.server.process()?.log_since(0)?;
    for store in stores {
        let line = format!("The store {store} cannot be opened");
        assert_eq!(log.matches(&line).count(), 1, "{log}");
    }
    Ok(())
}

/// The other store is used all the same.
#[tokio::test]
async fn with_one_store_what_is_deferred_survives_a_restart_in_order() -> Result<()> {
    let mut scene = scene(1, &["xmpp_push"], "closed").await?;
    let alice = scene.jids[0].clone();
    let deferred = scene.defer(&alice, "hello", PHONE).await?;
    scene.server.restart().await?;
    scene.played.service.connected().await?;
    scene.played.greet(again("second", "second")).await?;
    scene.played.hears(&deferred.name).await
}
