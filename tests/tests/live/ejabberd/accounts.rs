//! Accounts that come and go, in the order in which they do, and how much of that is kept.

use push_tests::live::Result;
use push_tests::live::ejabberd::{Ejabberd, EjabberdConfig};
use push_tests::live::puppet::{Login, PushRequest};
use push_tests::live::slot::PASSWORD;
use push_tests::live::stage::Client;
use serde_json::json;
use std::time::Duration;

use super::config;
use super::played::{Link, attribute, events, user};
use super::suite::posing::WINDOW;

/// Makes this account as an operator does.
async fn register(server: &Ejabberd, name: &str, host: &str) -> Result<()> {
    let account = json!({ "user": name, "host": host, "password": PASSWORD });
    server.api("register", &account).await.map(drop)
}

fn request() -> PushRequest<'static> {
    PushRequest {
        service: Some("push.example.org"),
        node: Some("n"),
        ..PushRequest::default()
    }
}

/// The users of these events, in order.
fn users<'a>(heard: &'a [String], kind: &str) -> Vec<&'a str> {
    events(heard, kind)
        .iter()
        .filter_map(|event| attribute(event, "user"))
        .collect()
}

/// A request of an account whose making the service does not know yet comes after that.
#[tokio::test]
async fn a_request_never_overtakes_the_making_of_its_account() -> Result<()> {
    let server = Ejabberd::start(config(1)).await?;
    let link = Link::on((&server).into());
    let host = link.slot.host();
    // With alice's account one more than the window takes.
    for number in 0..WINDOW {
        register(&server, &format!("filler{number}"), &host).await?;
    }
    let alice = link.client("alice").await?;
    let poser = link.attached("first").await?;
    let full = |heard: &[String]| users(heard, "created").len() == WINDOW;
    poser.component.hears_until(full).await?;
    let request = request();
    let service = async {
        poser.settled().await?;
        assert_eq!(poser.heard("<request"), 0, "before its account");
        poser.says("ack session='first'", &format!("1-{WINDOW}"))?;
        let asked = |heard: &[String]| heard.iter().any(|stanza| stanza.contains("<request"));
        let heard = poser.component.hears_until(asked).await?;
        let at = |text: &str| heard.iter().position(|stanza| stanza.contains(text));
        let made = heard.iter().position(|stanza| {
            stanza.contains("<event") && attribute(stanza, "user") == Some(user(&alice.jid))
        });
        assert!(made.is_some() && made < at("<request"), "{heard:#?}");
        let number = heard.iter().find_map(|stanza| {
            stanza
                .contains("<request")
                .then(|| attribute(stanza, "ref"))?
        });
        poser.says(
            &format!("answer ref='{}' type='result'", number.unwrap_or_default()),
            "",
        )
    };
    let (enabled, done) = tokio::join!(alice.session.enable(&request), service);
    done?;
    Ok(enabled?)
}

/// What the service had been told of an account and has not acknowledged, it is told again first. That takes a while: the
/// adapter sends a stanza a turn.
#[tokio::test]
async fn a_request_never_overtakes_what_is_told_again() -> Result<()> {
    const ACCOUNTS: usize = 2000;
    let server = Ejabberd::start(EjabberdConfig {
        adapter_options: "portion: 1".to_owned(),
        ..config(1)
    })
    .await?;
    let link = Link::on((&server).into());
    let poser = link.attached("first").await?;
    let hello = |session| {
        let window = "instance='i' window='5000' users='0'";
        poser.says(
            &format!("hello version='2' session='{session}' {window}"),
            "",
        )
    };
    hello("wide")?;
    poser.is_answered("wide").await?;
    for number in 1..ACCOUNTS {
        register(&server, &format!("filler{number}"), &link.slot.host()).await?;
    }
    let alice = link.client("alice").await?;
    let all = |heard: &[String]| events(heard, "created").len() >= ACCOUNTS;
    poser.component.hears_until(all).await?;
    hello("again")?;
    poser.is_answered("again").await?;
    let request = PushRequest {
        patience: Some(Duration::from_secs(1)),
        ..request()
    };
    drop(alice.session.enable(&request).await);
    let asked = |heard: &[String]| heard.iter().any(|stanza| stanza.contains("<request"));
    let heard = poser.component.hears_until(asked).await?;
    let at = |is: &dyn Fn(&String) -> bool| heard.iter().rposition(is);
    let told = at(&|stanza| {
        stanza.contains("<event") && attribute(stanza, "user") == Some(user(&alice.jid))
    });
    assert!(
        told < at(&|stanza| stanza.contains("<request")),
        "overtaken"
    );
    assert!(
        told > at(&|stanza| stanza.contains("<hello")),
        "not told again"
    );
    Ok(())
}

/// Of an account that comes and goes only the last is told: it voids what was before it.
#[tokio::test]
async fn of_accounts_that_come_and_go_only_the_last_change_is_kept() -> Result<()> {
    let server = Ejabberd::start(EjabberdConfig {
        adapter_options: "journal_entries: 5".to_owned(),
        ..config(1)
    })
    .await?;
    let link = Link::on((&server).into());
    let host = link.slot.host();
    for _ in 0..10 {
        register(&server, "alice", &host).await?;
        server.delete_user(&format!("alice@{host}")).await?;
    }
    for number in 0..6 {
        register(&server, &format!("bob{number}"), &host).await?;
    }
    let poser = link.attached("first").await?;
    let told = |heard: &[String]| users(heard, "created").len() == 5;
    let heard = poser.component.hears_until(told).await?;
    assert_eq!(
        users(&heard, "created"),
        ["bob1", "bob2", "bob3", "bob4", "bob5"]
    );
    assert_eq!(users(&heard, "removed"), Vec::<&str>::new());
    let dropped = heard.iter().find_map(|stanza| attribute(stanza, "dropped"));
    assert_eq!(dropped, Some("2"), "alice and bob0");
    Ok(())
}

/// They have no account, and nothing that could be missed when they are gone.
#[tokio::test]
async fn anonymous_users_are_told_of_to_nobody_and_cannot_enable() -> Result<()> {
    let server = Ejabberd::start(EjabberdConfig {
        settings: "auth_method: anonymous\nanonymous_protocol: login_anon\n".to_owned(),
        ..config(1)
    })
    .await?;
    let link = Link::on((&server).into());
    let poser = link.attached("first").await?;
    let guest = link.guest("guest").await?;
    let features = guest.session.features(Some(&guest.jid)).await?;
    assert!(
        !features.contains(&"urn:xmpp:push:0".to_owned()),
        "{features:?}"
    );
    let request = request();
    let refused = guest.session.enable(&request).await.unwrap_err();
    assert_eq!(
        refused.stanza(),
        Some(("cancel", "not-allowed")),
        "{refused}"
    );
    guest.session.close().await?;
    guest.session.lost().await?;
    guest
        .session
        .connect(&Login::new(&guest.jid, "again", guest.proxy.port()))
        .await?;
    guest.session.close().await?;
    guest.session.lost().await?;
    poser.settled().await?;
    let heard = poser.component.heard();
    assert_eq!(poser.heard("<event"), 0, "{heard:#?}");
    Ok(())
}

/// Over the bound what is known is forgotten, which costs an event of each user.
#[tokio::test]
async fn so_many_users_without_push_are_known() -> Result<()> {
    let server = Ejabberd::start(EjabberdConfig {
        adapter_options: "known_users: 2".to_owned(),
        ..config(1)
    })
    .await?;
    let link = Link::on((&server).into());
    let poser = link.attached("first").await?;
    let writer = link.client("writer").await?;
    let (alice, bob, carol) = (
        link.sleeper("alice").await?,
        link.sleeper("bob").await?,
        link.sleeper("carol").await?,
    );
    let none = |users: &[&Client]| {
        let none = |client: &&Client| format!("<none>{}</none>", user(&client.jid));
        users.iter().map(none).collect::<String>()
    };
    poser.says("users n='1'", &none(&[&alice, &bob]))?;
    poser.settled().await?;
    writer.session.chat(&alice.jid, "one").await?;
    writer.settled().await?;
    poser.settled().await?;
    assert_eq!(poser.heard("one</body>"), 0);
    poser.says("users n='2'", &none(&[&carol]))?;
    poser.settled().await?;
    writer.session.chat(&carol.jid, "two").await?;
    writer.session.chat(&alice.jid, "three").await?;
    let told = |heard: &[String]| heard.iter().any(|stanza| stanza.contains("three</body>"));
    poser.component.hears_until(told).await?;
    assert_eq!(poser.heard("two</body>"), 0);
    Ok(())
}
