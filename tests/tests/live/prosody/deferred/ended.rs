//! A deferred event ends when nobody is left who should be told.

use super::super::played::{Hello, attribute};
use super::scene::{PHONE, Scene, TABLET, again, defer, join, resume};
use push_tests::live::Result;
use push_tests::live::newcomer::Newcomer;
use push_tests::live::slot::Slot;
use push_tests::live::stage::Client;

#[tokio::test]
async fn who_is_back_is_taken_off_and_the_service_told_what_has_ended() -> Result<()> {
    let mut scene = Scene::set("", 2).await?;
    let [alice, bob] = [scene.jids[0].clone(), scene.jids[1].clone()];
    let phone = scene.defer(&alice, "one", PHONE).await?;
    let both = scene
        .defer(&alice, "two", &format!("{PHONE}{TABLET}"))
        .await?;
    let unknown = scene.defer(&alice, "three", "<for id='u'/>").await?;
    let tablet = scene.defer(&alice, "four", TABLET).await?;
    let other = scene.defer(&bob, "five", PHONE).await?;
    let mut session = scene.log_in(&alice).await?;
    session.settled().await?;
    assert_eq!(scene.played.count("<withdraw"), 0, "not available yet");
    session.available().await?;
    let words = ["<withdraw", "session='first'"];
    scene.played.hears_all(&words).await?;
    let withdraw = scene.played.last(&words).unwrap_or_default();
    let numbers = format!(">{} {}</withdraw>", phone.number, unknown.number);
    assert!(withdraw.contains(&numbers), "{withdraw}");
    resume(&scene.played, "first", "1-100")?;
    for left in [&both, &tablet, &other] {
        scene.played.hears(&left.name).await?;
    }
    assert_eq!(scene.played.count_of(&[&both.name, "id='t'"]), 1);
    assert_eq!(scene.played.count_of(&[&both.name, "id='p'"]), 0);
    assert_eq!(scene.played.count(&phone.name), 0);
    assert_eq!(scene.played.count(&unknown.name), 0);
    Ok(())
}

#[tokio::test]
async fn a_session_that_is_resumed_is_back() -> Result<()> {
    let queued = Hello {
        want: "queued",
        ..Hello::of("first")
    };
    let mut scene = Scene::set_with("", 0, queued).await?;
    let alice = Slot::new(0).user("alice");
    let port = scene.server.ports().c2s;
    let phone = Client::registering(&alice, "phone", port).await?;
    let phone = phone.available().await?;
    phone.hibernates().await;
    let deferred = scene.defer(&alice, "hello", PHONE).await?;
    let other = scene.defer(&alice, "hello again", TABLET).await?;
    phone.session.resume(port).await?;
    let withdraw = format!(">{}</withdraw>", deferred.number);
    scene.played.hears(&withdraw).await?;
    resume(&scene.played, "first", &other.number)?;
    scene.played.hears(&other.name).await
}

/// A scene with one account that has a session, at a service that wants what is archived.
async fn archived() -> Result<(Scene, String, Newcomer)> {
    let archived = Hello {
        want: "archived",
        ..Hello::of("first")
    };
    let scene = Scene::set_with("", 1, archived).await?;
    let alice = scene.jids[0].clone();
    let session = scene.log_in(&alice).await?;
    Ok((scene, alice, session))
}

/// Its event is not withdrawn: that is up to the service. But what it says later cannot be for the device that is back.
#[tokio::test]
async fn who_came_back_before_the_event_was_deferred_is_no_recipient() -> Result<()> {
    let (mut scene, alice, mut session) = archived().await?;
    let both = format!("{PHONE}{TABLET}");
    let [one, two] = [
        scene.miss(&alice, "one").await?,
        scene.miss(&alice, "two").await?,
    ];
    session.available().await?;
    defer(&scene.played, &one, PHONE)?;
    let withdraw = format!(">{one}</withdraw>");
    scene.played.hears(&withdraw).await?;
    defer(&scene.played, &two, &both)?;
    resume(&scene.played, "first", &two)?;
    let name = format!("was='{}:{two}'", scene.played.epoch());
    scene.played.hears_all(&[&name, "id='t'"]).await?;
    assert_eq!(scene.played.count_of(&[&name, "id='p'"]), 0);
    Ok(())
}

#[tokio::test]
async fn an_event_that_is_deferred_for_nobody_ends() -> Result<()> {
    let mut scene = Scene::set("", 1).await?;
    let alice = scene.jids[0].clone();
    let deferred = scene.defer(&alice, "hello", "<for r='phone'/>").await?;
    let withdraw = format!(">{}</withdraw>", deferred.number);
    scene.played.hears(&withdraw).await?;
    resume(&scene.played, "first", &deferred.number)?;
    scene.played.settled().await?;
    assert_eq!(scene.played.count("was='"), 0);
    Ok(())
}

#[tokio::test]
async fn news_of_an_account_cannot_be_deferred() -> Result<()> {
    let scene = Scene::set_with("", 0, Hello::of("first")).await?;
    scene.played.hears("kind='created'").await?;
    let created = scene.played.last(&["kind='created'"]).unwrap_or_default();
    let number = format!(" n='{}'", attribute(&created, "n"));
    defer(&scene.played, attribute(&created, "n"), PHONE)?;
    scene.played.settled().await?;
    let again = again("later", "first");
    scene
        .played
        .greet(Hello {
            want: "offline created",
            ..again
        })
        .await?;
    scene
        .played
        .hears_times(&["kind='created'", &number], 2)
        .await
}

/// The device came back between the two: whoever joins without recipients must not end what it would have joined.
#[tokio::test]
async fn one_whose_recipient_came_back_ends_alone_and_not_the_later_one_that_it_was_to_join()
-> Result<()> {
    let (mut scene, alice, mut session) = archived().await?;
    let one = scene.miss(&alice, "one").await?;
    session.available().await?;
    let two = scene.miss(&alice, "two").await?;
    defer(&scene.played, &two, PHONE)?;
    join(&scene.played, &one, &two, PHONE)?;
    scene.played.settled().await?;
    resume(&scene.played, "first", &two)?;
    let name = format!("was='{}:{two}'", scene.played.epoch());
    scene.played.hears_all(&[&name, "id='p'"]).await?;
    let withdraw = format!(">{one}</withdraw>");
    scene.played.hears(&withdraw).await
}

#[tokio::test]
async fn what_ends_while_the_service_is_away_is_told_at_the_next_hello() -> Result<()> {
    let mut scene = Scene::set("", 1).await?;
    let alice = scene.jids[0].clone();
    let deferred = scene.defer(&alice, "hello", PHONE).await?;
    scene.played.say("<bye xmlns='LINK'/>")?;
    scene.played.settled().await?;
    scene.log_in(&alice).await?.available().await?;
    assert_eq!(scene.played.count("<withdraw"), 0);
    scene.played.greet(again("later", "first")).await?;
    let withdraw = format!(">{}</withdraw>", deferred.number);
    scene
        .played
        .hears_all(&["session='later'", &withdraw])
        .await
}

/// The connection may break with the withdrawal on its way.
#[tokio::test]
async fn what_has_ended_is_told_once_more_until_it_is_acknowledged() -> Result<()> {
    let mut scene = Scene::set("", 1).await?;
    let alice = scene.jids[0].clone();
    let one = scene.defer(&alice, "one", PHONE).await?;
    let two = scene.defer(&alice, "two", PHONE).await?;
    scene.log_in(&alice).await?.available().await?;
    let both = format!(">{}-{}</withdraw>", one.number, two.number);
    scene.played.hears(&both).await?;
    scene.played.acknowledge("first", &one.number)?;
    scene.played.greet(again("later", "first")).await?;
    let withdraw = format!(">{}</withdraw>", two.number);
    let words = ["session='later'", &withdraw];
    scene.played.hears_all(&words).await?;
    scene.played.greet(again("latest", "first")).await?;
    scene.played.settled().await?;
    assert_eq!(scene.played.count("<withdraw"), 2, "one hello has passed");
    Ok(())
}

/// The service may have put aside the event before it heard of its end.
#[tokio::test]
async fn a_deferral_that_crosses_a_withdrawal_is_withdrawn_once_more() -> Result<()> {
    let mut scene = Scene::set("", 1).await?;
    let alice = scene.jids[0].clone();
    let number = scene.miss(&alice, "hello").await?;
    scene.log_in(&alice).await?.available().await?;
    let withdraw = format!(">{number}</withdraw>");
    scene.played.hears(&withdraw).await?;
    defer(&scene.played, &number, TABLET)?;
    resume(&scene.played, "first", &number)?;
    scene.played.greet(again("later", "first")).await?;
    scene.played.hears_times(&[&withdraw], 2).await?;
    assert_eq!(scene.played.count("was='"), 0);
    Ok(())
}

#[tokio::test]
async fn a_user_without_registrations_has_nothing_deferred() -> Result<()> {
    let mut scene = Scene::set("", 1).await?;
    let alice = scene.jids[0].clone();
    let deferred = scene.defer(&alice, "hello", PHONE).await?;
    let local = alice.split('@').next().unwrap_or_default();
    scene.played.say(&format!(
        "<users xmlns='LINK' n='1'><none>{local}</none></users>"
    ))?;
    let withdraw = format!(">{}</withdraw>", deferred.number);
    scene.played.hears(&withdraw).await
}

#[tokio::test]
async fn an_account_that_is_gone_has_nothing_deferred() -> Result<()> {
    let all = Hello::of("first");
    let mut scene = Scene::set_with("", 1, all).await?;
    let alice = scene.jids[0].clone();
    let deferred = scene.defer(&alice, "hello", PHONE).await?;
    scene.server.delete_user(&alice).await?;
    let withdraw = format!(">{}</withdraw>", deferred.number);
    scene.played.hears(&withdraw).await
}
