//! Services played by the test: which of them the adapter believes, and how far.

use super::{Own, sharded};
use push_tests::live::Result;
use push_tests::live::push_service::PushService;
use push_tests::live::slot::Slot;
use push_tests::live::stage::Client;

/// A component at the service's end of the link.
struct Poser {
    component: PushService,
    host: String,
}

impl Poser {
    async fn connect(component: &str, slot: Slot, port: u16) -> Result<Self> {
        Ok(Self {
            component: PushService::connect(component, port).await?,
            host: slot.host(),
        })
    }

    /// Says an element of the link; `NAME ATTRIBUTES` and its content.
    fn says(&self, tag: &str, content: &str) -> Result<()> {
        let (from, host) = (self.component.jid(), &self.host);
        let name = tag.split(' ').next().unwrap_or_default();
        self.component.say(&format!(
            "<message from='{from}' to='{host}/xmpp-push'>\
             <{tag} xmlns='urn:x-xmpp-push:link:1'>{content}</{name}></message>"
        ))
    }

    fn says_hello(&self, session: &str, fence: Option<u32>) -> Result<()> {
        let fence = fence.map_or_else(String::new, |fence| format!(" fence='{fence}'"));
        let tag = format!(
            "hello version='1' session='{session}' instance='i' window='9' users='0'{fence}"
        );
        self.says(&tag, "")
    }

    fn was_answered(&self, session: &str) -> bool {
        self.component
            .heard()
            .iter()
            .any(|stanza| answers(stanza, session))
    }

    async fn is_answered(&self, session: &str) -> Result<()> {
        let answered = |heard: &[String]| heard.iter().any(|stanza| answers(stanza, session));
        self.component.hears_until(answered).await.map(drop)
    }

    /// Waits until the adapter has dealt with all that was said.
    async fn settled(&self) -> Result<()> {
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
