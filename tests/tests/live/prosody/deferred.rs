//! Events that wait for a push service wait at the adapter, outside of the window; the test plays the service.

use super::bounds::{accounts, bounded, user, write};
use super::played::{Hello, Played, attribute};
use super::{Own, config};
use push_tests::live::Result;
use push_tests::live::newcomer::Newcomer;
use push_tests::live::prosody::{Prosody, ProsodyConfig};
use push_tests::live::slot::Slot;
use push_tests::live::stage::Client;
use std::slice::from_ref;
use std::time::Duration;

const PHONE: &str = "<for id='p' r='phone'/>";
const TABLET: &str = "<for id='t' r='tablet'/>";

/// A server whose accounts are no news, with the service of its one host attached as `first`.
struct Scene {
    server: Prosody,
    played: Played,
    writer: Newcomer,
    jids: Vec<String>,
}

impl Scene {
    /// `jids` has so many accounts of users who are away.
    async fn set(options: &str, count: usize) -> Result<Self> {
        Self::set_with(options, count, calm(Hello::of("first"))).await
    }

    async fn set_with(options: &str, count: usize, hello: Hello<'_>) -> Result<Self> {
        let (server, played) = bounded(options).await?;
        played.greet(hello).await?;
        let (mut writer, mut jids) = accounts(&server, count + 1).await?;
        let own = jids.pop().unwrap_or_default();
        writer.log_in(&own).await?;
        Ok(Self {
            server,
            played,
            writer,
            jids,
        })
    }

    /// Has a user miss a message; returns the number of its event.
    async fn miss(&mut self, jid: &str, body: &str) -> Result<String> {
        self.writer.chat(jid, body).await?;
        self.told(jid, body).await
    }

    /// The number of the event with this body, once it is told.
    async fn told(&self, jid: &str, body: &str) -> Result<String> {
        let body = format!(">{body}</body>");
        let words = ["<event", &user(jid), &body];
        self.played.hears_all(&words).await?;
        let event = self.played.last(&words).unwrap_or_default();
        Ok(attribute(&event, "n").to_owned())
    }

    /// The same as [`Scene::miss`], of a message that is deferred then. Returns the name it has from now on.
    async fn defer(&mut self, jid: &str, body: &str, recipients: &str) -> Result<Deferred> {
        let number = self.miss(jid, body).await?;
        defer(&self.played, &number, recipients)?;
        self.played.settled().await?;
        let name = format!("was='{}:{number}'", self.played.epoch());
        Ok(Deferred { number, name })
    }

    async fn log_in(&self, jid: &str) -> Result<Newcomer> {
        let mut session = Newcomer::connect(&Slot::new(0).host(), self.server.ports().c2s).await?;
        session.log_in(jid).await?;
        Ok(session)
    }
}

struct Deferred {
    number: String,
    name: String,
}

/// A hello that wants nothing of accounts.
fn calm(hello: Hello<'_>) -> Hello<'_> {
    Hello {
        want: "offline",
        ..hello
    }
}

/// The hello of the same run of the service in another session.
fn again<'a>(session: &'a str, instance: &'a str) -> Hello<'a> {
    calm(Hello {
        session,
        ..Hello::of(instance)
    })
}

fn defer(played: &Played, number: &str, recipients: &str) -> Result<()> {
    played.say(&format!(
        "<defer xmlns='LINK' session='first' n='{number}'>{recipients}</defer>"
    ))
}

fn join(played: &Played, number: &str, into: &str, recipients: &str) -> Result<()> {
    played.say(&format!(
        "<defer xmlns='LINK' session='first' n='{number}' into='{into}'>{recipients}</defer>"
    ))
}

fn resume(played: &Played, session: &str, numbers: &str) -> Result<()> {
    played.say(&format!(
        "<resume xmlns='LINK' session='{session}'>{numbers}</resume>"
    ))
}

/// Waits until the adapter has told what it wanted to tell.
async fn quiet() {
    tokio::time::sleep(Duration::from_millis(700)).await;
}

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
    tokio::time::sleep(Duration::from_millis(10)).await;
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

/// Its event is not withdrawn: that is up to the service. But what it says later cannot be for the device that is back.
#[tokio::test]
async fn who_came_back_before_the_event_was_deferred_is_no_recipient() -> Result<()> {
    let archived = Hello {
        want: "archived",
        ..Hello::of("first")
    };
    let mut scene = Scene::set_with("", 1, archived).await?;
    let alice = scene.jids[0].clone();
    let mut session = scene.log_in(&alice).await?;
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
    let again = scene.defer(&alice, "two", TABLET).await?;
    resume(&scene.played, "first", &again.number)?;
    scene.played.hears(&again.name).await?;
    let epoch = scene.played.epoch();
    scene.server.restart().await?;
    scene.played.service.connected().await?;
    scene.played.greet(self::again("later", "first")).await?;
    assert_ne!(scene.played.epoch(), epoch);
    let words = [deferred.name.as_str(), ">one</body>", "id='p'", "r='phone'"];
    scene.played.hears_all(&words).await?;
    let words = [again.name.as_str(), ">two</body>", "id='t'"];
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

#[tokio::test]
async fn of_one_user_twenty_are_deferred() -> Result<()> {
    let mut scene = Scene::set("", 1).await?;
    let alice = scene.jids[0].clone();
    let oldest = scene.defer(&alice, "oldest", PHONE).await?;
    for i in 1..20 {
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
    assert_eq!(scene.played.count("was='"), 20);
    assert_eq!(scene.played.count(&oldest.name), 0);
    Ok(())
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
