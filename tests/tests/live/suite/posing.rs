//! Services played by the test: which of them the adapter believes, and how far.

use super::{Own, sharded};
use push_tests::live::Result;
use push_tests::live::puppet::PushRequest;
use push_tests::live::push_service::{PushService, Reply};
use push_tests::live::slot::Slot;
use push_tests::live::stage::Client;
use std::time::Duration;

/// Events that the adapter may have outstanding on a link of these services.
pub(in super::super) const WINDOW: usize = 9;

/// A component at the service's end of the link.
pub(in super::super) struct Poser {
    pub(in super::super) component: PushService,
    host: String,
}

impl Poser {
    pub(in super::super) async fn connect(component: &str, slot: Slot, port: u16) -> Result<Self> {
        Ok(Self {
            component: PushService::connect(component, port).await?,
            host: slot.host(),
        })
    }

    /// Says an element of the link; `NAME ATTRIBUTES` and its content.
    pub(in super::super) fn says(&self, tag: &str, content: &str) -> Result<()> {
        let (from, host) = (self.component.jid(), &self.host);
        let name = tag.split(' ').next().unwrap_or_default();
        self.component.say(&format!(
            "<message from='{from}' to='{host}/xmpp-push'>\
             <{tag} xmlns='urn:x-xmpp-push:link'>{content}</{name}></message>"
        ))
    }

    pub(in super::super) fn says_hello(&self, session: &str, fence: Option<u32>) -> Result<()> {
        let fence = fence.map_or_else(String::new, |fence| format!(" fence='{fence}'"));
        let tag = format!(
            "hello version='2' session='{session}' instance='i' window='{WINDOW}' users='0'{fence}"
        );
        self.says(&tag, "")
    }

    fn says_publish(&self, number: u32, to: &str) -> Result<()> {
        self.says(
            &format!("publish ref='{number}' to='{to}' timeout='9'"),
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='n'><item>\
             <notification xmlns='urn:xmpp:push:0'/></item></publish></pubsub>",
        )
    }

    /// How many of the stanzas it was sent hold `text`.
    pub(in super::super) fn heard(&self, text: &str) -> usize {
        let heard = self.component.heard();
        heard.iter().filter(|stanza| stanza.contains(text)).count()
    }

    pub(in super::super) fn was_answered(&self, session: &str) -> bool {
        self.component
            .heard()
            .iter()
            .any(|stanza| answers(stanza, session))
    }

    pub(in super::super) async fn is_answered(&self, session: &str) -> Result<()> {
        let answered = |heard: &[String]| heard.iter().any(|stanza| answers(stanza, session));
        self.component.hears_until(answered).await.map(drop)
    }

    /// Waits until it was told of messages with these bodies so many times.
    async fn hears_bodies(&self, texts: &[&str], times: usize) -> Result<()> {
        let told = |heard: &[String], text: &str| {
            let body = format!("{text}</body>");
            heard.iter().filter(|stanza| stanza.contains(&body)).count()
        };
        let enough = |heard: &[String]| texts.iter().all(|text| told(heard, text) == times);
        self.component.hears_until(enough).await.map(drop)
    }

    /// Waits until the adapter has dealt with all that was said.
    pub(in super::super) async fn settled(&self) -> Result<()> {
        let pongs = |heard: &[String]| {
            heard
                .iter()
                .filter(|stanza| stanza.contains("<pong"))
                .count()
        };
        let before = pongs(&self.component.heard());
        self.says("ping", "")?;
        self.component
            .hears_until(|heard| pongs(heard) > before)
            .await
            .map(drop)
    }
}

fn answers(stanza: &str, session: &str) -> bool {
    [
        format!("session='{session}'"),
        format!("session=\"{session}\""),
    ]
    .iter()
    .any(|attribute| stanza.contains(attribute))
}

#[tokio::test]
async fn a_service_whose_lease_is_over_is_not_believed() -> Result<()> {
    let server = Own::start().await?;
    let slot = Slot::new(0);
    let poser = Poser::connect(&slot.component(), slot, server.ports().component).await?;
    poser.says_hello("holder", Some(7))?;
    poser.is_answered("holder").await?;
    for round in ["before", "after"] {
        let late = format!("late-{round}");
        poser.says_hello(&late, Some(6))?;
        poser.settled().await?;
        assert!(!poser.was_answered(&late), "{round} a reload");
        poser.says_hello(round, Some(7))?;
        poser.is_answered(round).await?;
        server.reload_adapter(&slot.host()).await?;
    }
    assert!(server.log()?.contains(FENCE_LOG));
    poser.says_hello("without", None)?;
    poser.is_answered("without").await?;
    poser.says_hello("next", Some(8))?;
    poser.is_answered("next").await
}

/// What an adapter logs of such a hello.
const FENCE_LOG: &str = "lost its lease";

#[tokio::test]
async fn between_a_reload_and_its_hello_a_service_gets_nothing_done() -> Result<()> {
    let server = Own::start().await?;
    let (slot, ports) = (Slot::new(0), server.ports());
    let push = PushService::connect(&slot.push_service(), ports.push_service).await?;
    let poser = Poser::connect(&slot.component(), slot, ports.component).await?;
    poser.says_hello("before", None)?;
    poser.is_answered("before").await?;
    let knocks = poser.heard("<knock");
    server.reload_adapter(&slot.host()).await?;
    poser.says_publish(1, push.jid())?;
    poser.settled().await?;
    poser.says_hello("after", None)?;
    poser.is_answered("after").await?;
    assert_eq!(poser.heard("<knock"), knocks + 2, "at the reload, the ping");
    assert_eq!(poser.heard("got="), 0, "as if it had not been sent");
    poser.says_publish(1, push.jid())?;
    push.receives(1).await?;
    push.stays_at(1).await
}

/// Whoever waits for one that is no longer theirs would wait for nothing; what is in flight for one that stays is its own.
#[tokio::test]
async fn a_list_that_changes_gives_requests_back_and_keeps_publishes() -> Result<()> {
    let mut server = Own::start().await?;
    let (slot, ports) = (Slot::new(0), server.ports());
    let push = PushService::connect(&slot.push_service(), ports.push_service).await?;
    push.answer(Reply::Late(Duration::from_secs(3)));
    let poser = Poser::connect(&slot.component(), slot, ports.component).await?;
    poser.says_hello("before", None)?;
    poser.is_answered("before").await?;
    poser.says_publish(1, push.jid())?;
    let alice = Client::registering(&slot.user("alice"), "phone", ports.c2s).await?;
    let request = PushRequest {
        service: Some(push.jid()),
        node: Some("n"),
        ..PushRequest::default()
    };
    let changed = async {
        let asked = |heard: &[String]| heard.iter().any(|stanza| stanza.contains("<request"));
        poser.component.hears_until(asked).await?;
        server.shard(true);
        server.reload().await
    };
    let (refused, changed) = tokio::join!(alice.session.enable(&request), changed);
    changed?;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.starts_with("wait/service-unavailable"), "{refused}");
    poser.says_hello("after", None)?;
    let settled = |heard: &[String]| heard.iter().any(|stanza| stanza.contains("<outcome"));
    poser.component.hears_until(settled).await?;
    assert_eq!(poser.heard("got="), 1);
    push.stays_at(1).await
}

/// Joined with what came later, the service would not know it again.
#[tokio::test]
async fn what_was_sent_stays_apart_over_a_restart_of_the_server() -> Result<()> {
    let mut server = Own::start().await?;
    let (slot, ports) = (Slot::new(0), server.ports());
    let poser = Poser::connect(&slot.component(), slot, ports.component).await?;
    poser.says_hello("before", None)?;
    poser.is_answered("before").await?;
    let writer = Client::registering(&slot.user("writer"), "desk", ports.c2s).await?;
    let alice = Client::registering(&slot.user("alice"), "phone", ports.c2s).await?;
    alice.session.close().await?;
    alice.session.lost().await?;
    for text in ["one", "two", "three"] {
        writer.session.chat(&alice.jid, text).await?;
    }
    poser.hears_bodies(&["one", "two", "three"], 1).await?;
    server.restart().await?;
    poser.component.connected().await?;
    poser.says_hello("after", None)?;
    poser.is_answered("after").await?;
    poser.hears_bodies(&["one", "two", "three"], 2).await
}

#[tokio::test]
async fn a_shard_speaks_for_its_own_users_only() -> Result<()> {
    let stage = sharded().await?;
    let slot = stage.slot();
    let writer = stage.writer().await?;
    let jid = slot.user_of_shard("alice", 0);
    let alice = Client::registering(&jid, "phone", stage.ports.c2s).await?;
    alice.enable(&stage, "n").await?;
    alice.session.close().await?;
    alice.session.lost().await?;
    let [_, second] = slot.components();
    let poser = Poser::connect(&second, slot, stage.ports.component).await?;
    poser.says_hello("poser", None)?;
    poser.is_answered("poser").await?;
    let user = jid.split('@').next().unwrap_or_default();
    poser.says("users n='1'", &format!("<none>{user}</none>"))?;
    poser.says("bye", "")?;
    poser.settled().await?;
    writer.session.chat(&jid, "hello").await?;
    stage.push.receives(1).await?;
    let another = slot.user_of_shard("bob", 0);
    let bob = Client::registering(&another, "phone", stage.ports.c2s).await?;
    bob.enable(&stage, "n").await?;
    stage.push.stays_at(1).await
}
