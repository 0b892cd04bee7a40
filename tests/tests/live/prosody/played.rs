//! The adapter alone: the test plays the service.

use super::{Own, place};
use push_tests::live::Result;
use push_tests::live::newcomer::Newcomer;
use push_tests::live::push_service::PushService;
use push_tests::live::slot::{Lease, Slot};
use push_tests::live::stage::Ports;
use std::time::Duration;

const LINK: &str = "urn:x-xmpp-push:link";

/// The service's end of a link.
pub(super) struct Played {
    pub(super) service: PushService,
    host: String,
}

impl Played {
    pub(super) async fn connect(slot: Slot, ports: Ports) -> Result<Self> {
        Self::connect_as(&slot.component(), slot, ports).await
    }

    /// The same, as one of the slot's components.
    pub(super) async fn connect_as(component: &str, slot: Slot, ports: Ports) -> Result<Self> {
        Ok(Self {
            service: PushService::connect(component, ports.component).await?,
            host: slot.host(),
        })
    }

    /// Sends elements of the link, whose namespace is filled in for `LINK`.
    pub(super) fn say(&self, elements: &str) -> Result<()> {
        let (from, to) = (self.service.jid(), format!("{}/xmpp-push", self.host));
        let elements = elements.replace("LINK", LINK);
        self.service.say(&format!(
            "<message from='{from}' to='{to}'>{elements}</message>"
        ))
    }

    /// Greets the adapter as a run of the service, and waits until it is attached. The session is called like the run.
    pub(super) async fn attach(&self, instance: &str) -> Result<()> {
        self.greet(Hello::of(instance)).await
    }

    /// Greets the adapter, and waits until it is attached.
    pub(super) async fn greet(&self, hello: Hello<'_>) -> Result<()> {
        let Hello {
            session,
            instance,
            window,
            want,
        } = hello;
        self.say(&format!(
            "<hello xmlns='LINK' version='2' session='{session}' instance='{instance}' window='{window}' users='0'>\
             <want>{want}</want></hello>"
        ))?;
        self.hears_all(&["<hello", &format!("session='{session}'")])
            .await
    }

    /// Acknowledges events in a session.
    pub(super) fn acknowledge(&self, session: &str, numbers: &str) -> Result<()> {
        self.say(&format!(
            "<ack xmlns='LINK' session='{session}'>{numbers}</ack>"
        ))
    }

    /// Waits until the adapter has dealt with all that was said.
    pub(super) async fn settled(&self) -> Result<()> {
        let before = self.count("<pong");
        self.say("<ping xmlns='LINK'/>")?;
        let pongs = |heard: &[String]| heard.iter().filter(|one| one.contains("<pong")).count();
        self.service
            .hears_until(|heard| pongs(heard) > before)
            .await
            .map(drop)
    }

    pub(super) async fn hears(&self, words: &str) -> Result<()> {
        self.hears_all(&[words]).await
    }

    pub(super) async fn hears_all(&self, words: &[&str]) -> Result<()> {
        self.service
            .hears_until(|heard| heard.iter().any(|stanza| has_all(stanza, words)))
            .await
            .map(drop)
    }

    /// Waits until so many stanzas hold all of these words.
    pub(super) async fn hears_times(&self, words: &[&str], times: usize) -> Result<()> {
        let of = |heard: &[String]| heard.iter().filter(|one| has_all(one, words)).count();
        self.service
            .hears_until(|heard| of(heard) >= times)
            .await
            .map(drop)
    }

    /// The epoch that the adapter has named last.
    pub(super) fn epoch(&self) -> String {
        self.last(&["epoch='"])
            .map_or_else(String::new, |hello| attribute(&hello, "epoch").to_owned())
    }

    /// The last of the stanzas it was sent that hold all of these words.
    pub(super) fn last(&self, words: &[&str]) -> Option<String> {
        let heard = self.service.heard();
        heard
            .iter()
            .rev()
            .find(|stanza| has_all(stanza, words))
            .cloned()
    }

    /// How many of the stanzas it was sent hold these words.
    pub(super) fn count(&self, words: &str) -> usize {
        self.count_of(&[words])
    }

    /// How many hold all of these.
    pub(super) fn count_of(&self, words: &[&str]) -> usize {
        let heard = self.service.heard();
        heard.iter().filter(|stanza| has_all(stanza, words)).count()
    }
}

/// The first words of a service.
#[derive(Clone, Copy)]
pub(super) struct Hello<'a> {
    pub(super) session: &'a str,
    pub(super) instance: &'a str,
    pub(super) window: u32,
    pub(super) want: &'a str,
}

impl<'a> Hello<'a> {
    /// That of a run of the service, which has one session.
    pub(super) fn of(instance: &'a str) -> Self {
        Self {
            session: instance,
            instance,
            window: 1000,
            want: "offline archived removed created",
        }
    }
}

/// The value of the first attribute of this name in a stanza; empty when there is none.
pub(super) fn attribute<'a>(stanza: &'a str, name: &str) -> &'a str {
    let value = stanza.split(&format!(" {name}='")).nth(1);
    value
        .and_then(|rest| rest.split('\'').next())
        .unwrap_or_default()
}

fn has_all(stanza: &str, words: &[&str]) -> bool {
    words.iter().all(|words| stanza.contains(words))
}

async fn played() -> Result<(Lease, Ports, Played)> {
    let (lease, ports) = place().await?;
    let played = Played::connect(lease.slot, ports).await?;
    Ok((lease, ports, played))
}

/// The acknowledgement of `created` may be lost with the service that has sent the answer.
#[tokio::test]
async fn an_account_with_an_accepted_request_is_not_told_to_be_new_again() -> Result<()> {
    let (lease, ports, played) = played().await?;
    let (slot, jid) = (lease.slot, lease.slot.user("new"));
    played.attach("first").await?;
    let mut newcomer = Newcomer::connect(&slot.host(), ports.c2s).await?;
    newcomer.register(&jid).await?;
    newcomer.log_in(&jid).await?;
    let enabling = newcomer.enable("push.example.net", "n");
    let answering = async {
        played.hears("<request").await?;
        played.say("<answer xmlns='LINK' ref='1' type='result'/>")
    };
    let (enabled, answered) = tokio::join!(enabling, answering);
    answered?;
    assert!(enabled?, "acknowledged");
    assert_eq!(played.count("kind='created'"), 1);
    played.attach("second").await?;
    played.hears("<withdraw").await?;
    assert_eq!(played.count("kind='created'"), 1, "told again");
    Ok(())
}

/// Without a request nothing is known to be done.
#[tokio::test]
async fn a_new_account_that_was_not_acknowledged_is_told_again() -> Result<()> {
    let (lease, ports, played) = played().await?;
    played.attach("first").await?;
    let mut newcomer = Newcomer::connect(&lease.slot.host(), ports.c2s).await?;
    newcomer.register(&lease.slot.user("new")).await?;
    played.hears("kind='created'").await?;
    played.attach("second").await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(played.count("kind='created'"), 2);
    Ok(())
}

/// Only what the service has accepted counts.
#[tokio::test]
async fn an_event_says_in_which_sessions_push_was_enabled() -> Result<()> {
    let (lease, ports, played) = played().await?;
    let (slot, alice) = (lease.slot, lease.slot.user("alice"));
    played.attach("first").await?;
    let mut session = Newcomer::connect(&slot.host(), ports.c2s).await?;
    session.register(&alice).await?;
    session.log_in(&alice).await?;
    let result = "type='result'";
    for (reference, is_enabling, answer, flag) in [
        (
            1,
            true,
            "type='error' condition='bad-request'",
            "<s r='phone'/>",
        ),
        (2, true, result, "e='1'"),
        (3, false, result, "<s r='phone'/>"),
    ] {
        let answering = async {
            played
                .hears_all(&["<request", &format!("ref='{reference}'")])
                .await?;
            played.say(&format!(
                "<answer xmlns='LINK' ref='{reference}' {answer}/>"
            ))
        };
        let asking = async {
            if is_enabling {
                session.enable("push.example.net", "n").await.map(drop)
            } else {
                session.disable("push.example.net").await
            }
        };
        let (asked, answered) = tokio::join!(asking, answering);
        answered?;
        assert_eq!(asked.is_ok(), answer == result);
        let body = format!("m{reference}");
        session.chat(&alice, &body).await?;
        played.hears_all(&["<event", &body, flag]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn coming_going_and_another_version_are_logged_once_each() -> Result<()> {
    let server = Own::start().await?;
    let slot = Slot::new(0);
    let played = Played::connect(slot, server.ports()).await?;
    let other = "<hello xmlns='LINK' version='7' session='s' instance='i' window='9' users='0'/>";
    for hello in [other, other, other] {
        played.say(hello)?;
    }
    played.attach("first").await?;
    played.say("<ping xmlns='LINK'/>")?;
    played.hears("<pong").await?;
    played.service.disconnect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let log = server.log()?;
    let count = |words: &str| log.matches(words).count();
    assert_eq!(count("speaks version 7 of the link"), 1, "{log}");
    assert_eq!(count("xmpp-push is attached (push0.test)"), 1, "{log}");
    assert_eq!(count("xmpp-push is away (push0.test)"), 1, "{log}");
    Ok(())
}
