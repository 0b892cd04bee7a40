//! Deferred events are told again when the service wants them.

use super::super::played::{Hello, attribute};
use super::scene::{PHONE, Scene, TABLET, again, calm, defer, join, quiet, resume};
use push_tests::live::Result;
use push_tests::live::slot::Slot;

#[tokio::test]
async fn the_hello_says_what_there_is_room_for() -> Result<()> {
    let scene = Scene::set("", 0).await?;
    let words = [
        "version='2'",
        "places='2000'",
        "deferred='10000'",
        " defer archive</can>",
    ];
    scene.played.hears_all(&words).await
}

#[tokio::test]
async fn the_hello_tells_of_a_push_module_that_was_loaded_by_hand() -> Result<()> {
    let scene = Scene::set("", 0).await?;
    assert_eq!(scene.played.count("own-push"), 0);
    let host = Slot::new(0).host();
    let load = ["module", "load", "cloud_notify", &host];
    scene.server.shell(&load).await?;
    scene.played.greet(again("later", "first")).await?;
    scene.played.hears(" own-push</can>").await
}

#[tokio::test]
async fn what_is_deferred_leaves_the_window_to_others_and_is_told_again_when_resumed() -> Result<()>
{
    let narrow = Hello {
        window: 1,
        ..calm(Hello::of("first"))
    };
    let mut scene = Scene::set_with("", 2, narrow).await?;
    let [alice, bob] = [scene.jids[0].clone(), scene.jids[1].clone()];
    let deferred = scene.defer(&alice, "hello", PHONE).await?;
    let other = scene.miss(&bob, "hi").await?;
    resume(&scene.played, "first", &deferred.number)?;
    quiet().await;
    let words = [
        "<event",
        &deferred.name,
        ">hello</body>",
        "id='p'",
        "r='phone'",
    ];
    assert_eq!(scene.played.count_of(&words), 0, "the window is full");
    scene.played.acknowledge("first", &other)?;
    scene.played.hears_all(&words).await?;
    let number = scene.told(&alice, "hello").await?;
    assert_ne!(number, deferred.number);
    scene.played.acknowledge("first", &number)?;
    scene.played.greet(calm(Hello::of("second"))).await?;
    quiet().await;
    assert_eq!(scene.played.count(&deferred.name), 1, "it is done");
    Ok(())
}

#[tokio::test]
async fn one_that_was_told_again_can_be_deferred_again() -> Result<()> {
    let mut scene = Scene::set("", 1).await?;
    let alice = scene.jids[0].clone();
    let deferred = scene.defer(&alice, "hello", PHONE).await?;
    resume(&scene.played, "first", "1-1000000000")?;
    scene.played.hears(&deferred.name).await?;
    let number = scene.told(&alice, "hello").await?;
    defer(&scene.played, &number, TABLET)?;
    resume(&scene.played, "first", &number)?;
    let name = format!("was='{}:{number}'", scene.played.epoch());
    scene
        .played
        .hears_all(&[&name, ">hello</body>", "r='tablet'"])
        .await?;
    assert_eq!(scene.played.count_of(&[&name, "r='phone'"]), 0);
    Ok(())
}

#[tokio::test]
async fn an_event_joins_one_that_is_deferred_and_no_other() -> Result<()> {
    let mut scene = Scene::set("", 1).await?;
    let alice = scene.jids[0].clone();
    let first = scene.defer(&alice, "one", PHONE).await?;
    // So that they are not missed in the same millisecond.
    quiet().await;
    let second = scene.miss(&alice, "two").await?;
    join(&scene.played, &second, &first.number, TABLET)?;
    // A fresh one is not collapsed into it.
    let third = scene.miss(&alice, "three").await?;
    resume(&scene.played, "first", &first.number)?;
    let words = [
        first.name.as_str(),
        "count='2'",
        ">two</body>",
        "r='tablet'",
    ];
    scene.played.hears_all(&words).await?;
    let told = scene.played.last(&words).unwrap_or_default();
    assert!(!told.contains("r='phone'"), "{told}");
    // Both have thirteen digits.
    assert!(
        attribute(&told, "first") < attribute(&told, "last"),
        "{told}"
    );
    join(&scene.played, &third, &first.number, PHONE)?;
    let name = format!("was='{}:{third}'", scene.played.epoch());
    scene
        .played
        .hears_all(&[&name, ">three</body>", "r='phone'"])
        .await
}

/// A bound has taken the newer message: each has room alone.
#[tokio::test]
async fn of_two_events_that_are_joined_the_message_that_is_there_is_kept() -> Result<()> {
    let mut scene = Scene::set("xmpp_push_buffer_bytes = 600", 1).await?;
    let alice = scene.jids[0].clone();
    let first = scene.defer(&alice, "one", PHONE).await?;
    let long = "x".repeat(600);
    let second = scene.miss(&alice, &long).await?;
    join(&scene.played, &second, &first.number, PHONE)?;
    resume(&scene.played, "first", &first.number)?;
    scene
        .played
        .hears_all(&[&first.name, "count='2'", ">one</body>"])
        .await
}

#[tokio::test]
async fn an_acknowledgement_of_the_session_ends_what_is_deferred() -> Result<()> {
    let mut scene = Scene::set("", 1).await?;
    let alice = scene.jids[0].clone();
    let first = scene.defer(&alice, "one", PHONE).await?;
    let second = scene.defer(&alice, "two", PHONE).await?;
    scene.played.acknowledge("first", &first.number)?;
    scene.played.acknowledge("another", &second.number)?;
    resume(&scene.played, "another", "1-100")?;
    quiet().await;
    assert_eq!(scene.played.count("was='"), 0, "resumed by another");
    resume(&scene.played, "first", "1-100")?;
    scene.played.hears(&second.name).await?;
    quiet().await;
    assert_eq!(scene.played.count(&first.name), 0);
    assert_eq!(scene.played.count("<withdraw"), 0);
    Ok(())
}

#[tokio::test]
async fn another_run_of_the_service_is_told_all_and_the_same_one_nothing() -> Result<()> {
    let mut scene = Scene::set("", 1).await?;
    let alice = scene.jids[0].clone();
    let deferred = scene.defer(&alice, "hello", PHONE).await?;
    scene.played.greet(again("later", "first")).await?;
    quiet().await;
    assert_eq!(scene.played.count(&deferred.name), 0);
    scene.played.greet(calm(Hello::of("second"))).await?;
    scene
        .played
        .hears_all(&[&deferred.name, ">hello</body>", "id='p'"])
        .await
}

#[tokio::test]
async fn another_run_cannot_acknowledge_what_it_was_not_told() -> Result<()> {
    let mut scene = Scene::set("", 2).await?;
    let [alice, bob] = [scene.jids[0].clone(), scene.jids[1].clone()];
    let deferred = scene.defer(&alice, "hello", PHONE).await?;
    let other = scene.miss(&bob, "hi").await?;
    let narrow = Hello {
        window: 1,
        ..calm(Hello::of("second"))
    };
    scene.played.greet(narrow).await?;
    scene.played.acknowledge("second", &deferred.number)?;
    scene.played.settled().await?;
    assert_eq!(scene.played.count(&deferred.name), 0, "the window is full");
    scene.played.acknowledge("second", &other)?;
    scene.played.hears(&deferred.name).await
}
