//! The loop, with a transport and a store made for it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use async_trait::async_trait;
use push_core::store::{
    Change, Committed, Counts, Cursor, Kind, Loaded, Page, RegistrationStore, StoreError,
};
use push_core::transport::{DownReason, StreamEvent, Transport};
use push_core::xml::{ElementSink, Namespace, Stanza, StanzaBuilder, WriteXml};
use push_core::{BareJid, Machine, MemoryStore, Settings};
use push_driver::{Driver, DriverConfig, Handle};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// A transport that is two channels.
struct Pipe {
    events: mpsc::UnboundedReceiver<StreamEvent>,
    sent: mpsc::UnboundedSender<Stanza>,
    closed: Arc<AtomicBool>,
}

#[async_trait]
impl Transport for Pipe {
    async fn next(&mut self, events: &mut Vec<StreamEvent>) {
        match self.events.recv().await {
            Some(event) => events.push(event),
            None => std::future::pending().await,
        }
    }

    fn send(&mut self, stanza: &dyn WriteXml) {
        let mut sink = StanzaBuilder::new();
        stanza.write_xml(&mut sink);
        self.sent.send(sink.finish().unwrap()).unwrap();
    }

    fn flush(&mut self) {}

    async fn close(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
    }
}

/// A memory store that can refuse whole batches because of one owner, or not answer.
#[derive(Default)]
struct Fussy {
    memory: MemoryStore,
    hangs: AtomicBool,
    commits: AtomicUsize,
}

impl Fussy {
    async fn wait(&self) {
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl RegistrationStore for Fussy {
    async fn load(&self, owners: &[BareJid]) -> Result<Loaded, StoreError> {
        self.wait().await;
        self.memory.load(owners).await
    }

    async fn commit(&self, changes: &[Change]) -> Result<Vec<Committed>, StoreError> {
        self.wait().await;
        self.commits.fetch_add(1, Ordering::SeqCst);
        if changes
            .iter()
            .any(|change| change.owner().as_str().starts_with("cursed"))
        {
            return Err(StoreError::Refused {
                reason: "cursed".to_owned(),
            });
        }
        self.memory.commit(changes).await
    }

    async fn page(
        &self,
        kind: Kind,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.memory.page(kind, after, limit).await
    }

    async fn remove_domain(&self, domain: &jid::DomainRef) -> Result<u64, StoreError> {
        self.memory.remove_domain(domain).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.memory.counts().await
    }
}

struct Stage {
    events: mpsc::UnboundedSender<StreamEvent>,
    sent: mpsc::UnboundedReceiver<Stanza>,
    closed: Arc<AtomicBool>,
    store: Arc<Fussy>,
    handle: Handle,
    running: JoinHandle<()>,
}

impl Stage {
    fn set() -> Self {
        let (events, received) = mpsc::unbounded_channel();
        let (sender, sent) = mpsc::unbounded_channel();
        let closed = Arc::new(AtomicBool::new(false));
        let pipe = Pipe {
            events: received,
            sent: sender,
            closed: closed.clone(),
        };
        let store = Arc::new(Fussy::default());
        let machine = Machine::new(
            Settings::new("push.test", vec!["h.test".to_owned()]),
            [1; 32],
        );
        let config = DriverConfig {
            call_timeout: Duration::from_millis(300),
        };
        let (driver, handle) = Driver::new(machine, Box::new(pipe), store.clone(), config);
        events.send(StreamEvent::Up).unwrap();
        Self {
            events,
            sent,
            closed,
            store,
            handle,
            running: tokio::spawn(driver.run()),
        }
    }

    /// A delegated enable of `user`, under an id of the same name.
    fn enables(&self, user: &str) {
        let mut sink = StanzaBuilder::new();
        sink.start("iq", Namespace::Component);
        [
            ("type", "set"),
            ("from", "h.test"),
            ("to", "push.test"),
            ("id", user),
        ]
        .iter()
        .for_each(|(name, value)| sink.attribute(name, value));
        sink.start("delegation", Namespace::Delegation2);
        sink.start("forwarded", Namespace::Forward);
        sink.start("iq", Namespace::Client);
        sink.attribute("type", "set");
        sink.attribute("from", &format!("{user}@h.test/phone"));
        sink.attribute("id", "1");
        sink.start("enable", Namespace::Push);
        sink.attribute("jid", "app.test");
        sink.attribute("node", "n");
        (0..5).for_each(|_| sink.end());
        self.events
            .send(StreamEvent::Stanza(sink.finish().unwrap()))
            .unwrap();
    }

    /// The type of the next delegated answer, and whose it is.
    async fn answered(&mut self) -> (String, String) {
        loop {
            let stanza = timeout(PATIENCE, self.sent.recv()).await.unwrap().unwrap();
            let iq = stanza.root();
            let Some(delegation) = iq.child("delegation", Namespace::Delegation2) else {
                continue;
            };
            let inner = delegation
                .only_child()
                .and_then(push_core::xml::ElementRef::only_child)
                .unwrap();
            let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
            return (text(iq.attribute("id")), text(inner.attribute("type")));
        }
    }
}

#[tokio::test]
async fn one_refused_change_takes_no_other_of_its_batch_with_it() {
    let mut stage = Stage::set();
    let users = ["alice", "cursed", "bob", "carol"];
    users.iter().for_each(|user| stage.enables(user));
    let mut answers = Vec::new();
    for _ in users {
        answers.push(stage.answered().await);
    }
    answers.sort();
    let expected = [
        ("alice", "result"),
        ("bob", "result"),
        ("carol", "result"),
        ("cursed", "error"),
    ];
    assert_eq!(
        answers,
        expected.map(|(user, kind)| (user.to_owned(), kind.to_owned()))
    );
    let page = stage
        .store
        .memory
        .page(Kind::Registrations, None, 10)
        .await
        .unwrap();
    assert_eq!(page.entries.len(), 3);
}

#[tokio::test]
async fn a_store_that_hangs_is_given_up_and_asked_again_later() {
    let mut stage = Stage::set();
    stage.store.hangs.store(true, Ordering::SeqCst);
    stage.enables("alice");
    assert_eq!(stage.answered().await.1, "error");
    stage.store.hangs.store(false, Ordering::SeqCst);
    stage.enables("alice");
    assert_eq!(stage.answered().await.1, "result");
}

#[tokio::test]
async fn many_questions_become_few_calls() {
    let mut stage = Stage::set();
    (0..200).for_each(|n| stage.enables(&format!("user{n}")));
    for _ in 0..200 {
        assert_eq!(stage.answered().await.1, "result");
    }
    let commits = stage.store.commits.load(Ordering::SeqCst);
    assert!(commits < 200, "{commits} calls for 200 questions");
}

#[tokio::test]
async fn status_tells_how_things_stand_and_drain_ends_in_order() {
    let stage = Stage::set();
    while stage.handle.status().await.is_some_and(|status| !status.up) {
        tokio::task::yield_now().await;
    }
    let status = stage.handle.status().await.unwrap();
    assert_eq!(status.hosts[0].host, "h.test");
    assert_eq!(
        (status.hosts[0].adapter.as_deref(), status.load.in_flight),
        (None, 0)
    );
    stage
        .events
        .send(StreamEvent::Down(DownReason::Closed))
        .unwrap();
    timeout(PATIENCE, stage.handle.drain())
        .await
        .expect("drained");
    timeout(PATIENCE, stage.running)
        .await
        .expect("ended")
        .unwrap();
    assert!(
        stage.closed.load(Ordering::SeqCst),
        "the stream is closed in order"
    );
    assert!(
        stage.handle.status().await.is_none(),
        "nobody answers any more"
    );
}
