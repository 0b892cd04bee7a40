//! The bounds of what is deferred.

use super::super::bounds::write;
use super::super::played::Hello;
use super::scene::{PHONE, Scene, calm, defer, join, quiet};
use push_tests::live::Result;

#[tokio::test]
async fn of_one_user_twenty_are_deferred() -> Result<()> {
    at_most("", 20).await
}

#[tokio::test]
async fn of_one_user_as_many_are_deferred_as_is_configured() -> Result<()> {
    at_most("xmpp_push_max_deferred_per_user = 3", 3).await
}

async fn at_most(options: &str, most: usize) -> Result<()> {
    let mut scene = Scene::set(options, 1).await?;
    let alice = scene.jids[0].clone();
    let oldest = scene.defer(&alice, "oldest", PHONE).await?;
    for i in 1..most {
        scene.defer(&alice, &format!("m{i}"), PHONE).await?;
    }
    quiet().await;
    assert_eq!(scene.played.count("<withdraw"), 0);
    scene.defer(&alice, "newest", PHONE).await?;
    scene
        .played
        .hears(&format!(">{}</withdraw>", oldest.number))
        .await?;
    scene.played.greet(calm(Hello::of("second"))).await?;
    scene.played.hears("dropped='1'").await?;
    quiet().await;
    assert_eq!(scene.played.count("was='"), most);
    assert_eq!(scene.played.count(&oldest.name), 0);
    Ok(())
}

/// The oldest has the lowest number, in whatever order they are deferred and joined.
#[tokio::test]
async fn an_event_that_another_has_joined_is_as_old_as_before() -> Result<()> {
    let mut scene = Scene::set("xmpp_push_max_deferred = 2", 2).await?;
    let [alice, bob] = [scene.jids[0].clone(), scene.jids[1].clone()];
    let one = scene.miss(&alice, "one").await?;
    let two = scene.defer(&bob, "two", PHONE).await?;
    defer(&scene.played, &one, PHONE)?;
    let joining = scene.miss(&alice, "joining").await?;
    join(&scene.played, &joining, &one, PHONE)?;
    scene.defer(&bob, "three", PHONE).await?;
    scene.played.hears(&format!(">{one}</withdraw>")).await?;
    scene.defer(&bob, "four", PHONE).await?;
    let withdraw = format!(">{}</withdraw>", two.number);
    scene.played.hears(&withdraw).await
}

#[tokio::test]
async fn over_all_that_may_be_deferred_the_oldest_ends_and_nothing_else() -> Result<()> {
    let options = "xmpp_push_max_deferred = 2; xmpp_push_buffer_entries = 2";
    let mut scene = Scene::set(options, 4).await?;
    scene.played.hears("deferred='2'").await?;
    let jids = scene.jids.clone();
    let oldest = scene.defer(&jids[0], "one", PHONE).await?;
    scene.defer(&jids[1], "two", PHONE).await?;
    assert_eq!(scene.played.count("<withdraw"), 0);
    scene.defer(&jids[2], "three", PHONE).await?;
    scene
        .played
        .hears(&format!(">{}</withdraw>", oldest.number))
        .await?;
    // Beside them as many others are kept as without, and they take turns.
    scene.played.say("<bye xmlns='LINK'/>")?;
    scene.played.settled().await?;
    write(&mut scene.writer, &jids[2..], 1).await?;
    let played = scene.played;
    played.greet(calm(Hello::of("second"))).await?;
    played.hears("dropped='1'").await?;
    for turn in 1..=2 {
        quiet().await;
        assert_eq!(played.count("was='"), turn);
        assert_eq!(played.count(">hello</body>"), turn);
        played.acknowledge("second", "4-100")?;
    }
    Ok(())
}

#[tokio::test]
async fn what_is_deferred_loses_its_message_before_what_is_not() -> Result<()> {
    let mut scene = Scene::set("xmpp_push_buffer_bytes = 600", 2).await?;
    let [alice, bob] = [scene.jids[0].clone(), scene.jids[1].clone()];
    let long = "x".repeat(200);
    let deferred = scene
        .defer(&alice, &format!("deferred {long}"), PHONE)
        .await?;
    scene.miss(&bob, &format!("fresh {long}")).await?;
    scene.played.greet(calm(Hello::of("second"))).await?;
    scene.played.hears(&deferred.name).await?;
    assert_eq!(
        scene.played.count(">deferred "),
        1,
        "only before it was deferred"
    );
    assert_eq!(scene.played.count(">fresh "), 2);
    Ok(())
}
