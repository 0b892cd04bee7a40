//! A server on which events are deferred; the test plays the service.

use super::super::bounds::{accounts, bounded, user};
use super::super::played::{Hello, Played, attribute};
use push_tests::live::Result;
use push_tests::live::newcomer::Newcomer;
use push_tests::live::prosody::Prosody;
use push_tests::live::slot::Slot;
use std::time::Duration;

pub(in super::super) const PHONE: &str = "<for id='p' r='phone'/>";
pub(in super::super) const TABLET: &str = "<for id='t' r='tablet'/>";

/// A server whose accounts are no news, with the service of its one host attached as `first`.
pub(in super::super) struct Scene {
    pub(in super::super) server: Prosody,
    pub(in super::super) played: Played,
    pub(in super::super) writer: Newcomer,
    pub(in super::super) jids: Vec<String>,
}

impl Scene {
    /// `jids` has so many accounts of users who are away.
    pub(in super::super) async fn set(options: &str, count: usize) -> Result<Self> {
        Self::set_with(options, count, calm(Hello::of("first"))).await
    }

    pub(in super::super) async fn set_with(
        options: &str,
        count: usize,
        hello: Hello<'_>,
    ) -> Result<Self> {
        let (server, played) = bounded(options).await?;
        Self::on(server, played, count, hello).await
    }

    /// The same on this server.
    pub(in super::super) async fn on(
        server: Prosody,
        played: Played,
        count: usize,
        hello: Hello<'_>,
    ) -> Result<Self> {
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
    pub(in super::super) async fn miss(&mut self, jid: &str, body: &str) -> Result<String> {
        self.writer.chat(jid, body).await?;
        self.told(jid, body).await
    }

    /// The number of the event with this body, once it is told.
    pub(in super::super) async fn told(&self, jid: &str, body: &str) -> Result<String> {
        let body = format!(">{body}</body>");
        let words = ["<event", &user(jid), &body];
        self.played.hears_all(&words).await?;
        let event = self.played.last(&words).unwrap_or_default();
        Ok(attribute(&event, "n").to_owned())
    }

    /// The same as [`Scene::miss`], of a message that is deferred then. Returns the name it has from now on.
    pub(in super::super) async fn defer(
        &mut self,
        jid: &str,
        body: &str,
        recipients: &str,
    ) -> Result<Deferred> {
        let number = self.miss(jid, body).await?;
        defer(&self.played, &number, recipients)?;
        self.played.settled().await?;
        let name = format!("was='{}:{number}'", self.played.epoch());
        Ok(Deferred { number, name })
    }

    pub(in super::super) async fn log_in(&self, jid: &str) -> Result<Newcomer> {
        let mut session = Newcomer::connect(&Slot::new(0).host(), self.server.ports().c2s).await?;
        session.log_in(jid).await?;
        Ok(session)
    }
}

pub(in super::super) struct Deferred {
    pub(in super::super) number: String,
    pub(in super::super) name: String,
}

/// A hello that wants nothing of accounts.
pub(in super::super) fn calm(hello: Hello<'_>) -> Hello<'_> {
    Hello {
        want: "offline",
        ..hello
    }
}

/// The hello of the same run of the service in another session.
pub(in super::super) fn again<'a>(session: &'a str, instance: &'a str) -> Hello<'a> {
    calm(Hello {
        session,
        ..Hello::of(instance)
    })
}

pub(in super::super) fn defer(played: &Played, number: &str, recipients: &str) -> Result<()> {
    played.say(&format!(
        "<defer xmlns='LINK' session='first' n='{number}'>{recipients}</defer>"
    ))
}

pub(in super::super) fn join(
    played: &Played,
    number: &str,
    into: &str,
    recipients: &str,
) -> Result<()> {
    played.say(&format!(
        "<defer xmlns='LINK' session='first' n='{number}' into='{into}'>{recipients}</defer>"
    ))
}

pub(in super::super) fn resume(played: &Played, session: &str, numbers: &str) -> Result<()> {
    played.say(&format!(
        "<resume xmlns='LINK' session='{session}'>{numbers}</resume>"
    ))
}

/// Waits until the adapter has told what it wanted to tell.
pub(in super::super) async fn quiet() {
    tokio::time::sleep(Duration::from_millis(700)).await;
}
