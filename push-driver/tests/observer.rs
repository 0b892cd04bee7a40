//! Who sees what a Machine reports.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use async_trait::async_trait;
use push_core::transport::{DownReason, StreamEvent, Transport};
use push_core::xml::WriteXml;
use push_core::{Machine, MemoryStore, Report, Settings, Timestamp};
use push_driver::{Driver, DriverConfig, Observer};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// A stream that tells this and then nothing.
struct Once(Vec<StreamEvent>);

#[async_trait]
impl Transport for Once {
    async fn next(&mut self, events: &mut Vec<StreamEvent>) {
        if self.0.is_empty() {
            std::future::pending::<()>().await;
        }
        events.append(&mut self.0);
    }

    fn send(&mut self, _stanza: &dyn WriteXml) {}

    fn flush(&mut self) {}

    async fn close(&mut self) {}
}

/// What an observer was told.
#[derive(Debug, PartialEq)]
enum Told {
    Report(Report),
    /// Its deadline came.
    Due(Timestamp),
}

/// Tells on under its name. With a deadline so long after its first report.
struct Relay {
    name: &'static str,
    to: mpsc::UnboundedSender<(&'static str, Told)>,
    after: Duration,
    due: Option<Timestamp>,
}

impl Observer for Relay {
    fn observe(&mut self, now: Timestamp, report: &Report) {
        self.due.get_or_insert(now.after(self.after));
        self.to
            .send((self.name, Told::Report(report.clone())))
            .unwrap();
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        self.due
    }

    fn tick(&mut self, now: Timestamp) {
        if let Some(due) = self.due.take_if(|due| *due <= now) {
            self.to.send((self.name, Told::Due(due))).unwrap();
        }
    }
}

fn driver(events: Vec<StreamEvent>) -> Driver {
    let settings = Settings::new("push.test", vec!["h.test".to_owned()]);
    let machine = Machine::new(settings, [1; 32]);
    let store = Arc::new(MemoryStore::new());
    Driver::new(
        machine,
        Box::new(Once(events)),
        store,
        DriverConfig::default(),
    )
    .0
}

#[tokio::test]
async fn all_observers_see_every_report_in_order() {
    let (to, mut told) = mpsc::unbounded_channel();
    let relay = |name| Relay {
        name,
        to: to.clone(),
        after: Duration::MAX,
        due: None,
    };
    let (down, skipped) = (DownReason::Silent, StreamEvent::Skipped(7));
    let events = vec![StreamEvent::Up, skipped, StreamEvent::Down(down.clone())];
    let driver = driver(events);
    let driver = driver
        .observed_by(relay("first"))
        .observed_by(relay("second"));
    let running = tokio::spawn(driver.run());
    for report in [
        Report::StreamUp,
        Report::Skipped { bytes: 7 },
        Report::StreamDown(down),
    ] {
        for name in ["first", "second"] {
            assert_eq!(
                told.recv().await,
                Some((name, Told::Report(report.clone())))
            );
        }
    }
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn an_observer_is_woken_at_its_deadline_although_nothing_happens() {
    let (to, mut told) = mpsc::unbounded_channel();
    let relay = Relay {
        name: "patient",
        to,
        after: Duration::from_secs(3600),
        due: None,
    };
    // While it is down the Machine has no deadlines of its own.
    let driver = driver(vec![StreamEvent::Down(DownReason::Silent)]);
    let start = tokio::time::Instant::now();
    let running = tokio::spawn(driver.unobserved().observed_by(relay).run());
    assert!(matches!(told.recv().await, Some((_, Told::Report(_)))));
    let due = timeout(Duration::from_secs(7200), told.recv()).await;
    assert!(matches!(due, Ok(Some((_, Told::Due(_))))));
    assert_eq!(start.elapsed().as_secs(), 3600);
    running.abort();
}
