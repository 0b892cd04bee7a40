use super::*;
use push_core::registration::{PubsubNode, Status, Target, Trouble};
use push_core::report::{Decision, DeferredEnd, EndReason, PublishEnd, RequestOutcome};
use push_core::session::Cause;
use push_core::xep::error::DefinedCondition;
use push_core::{BareJid, Route, TraceId};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use tracing::Level;

const MANY: u64 = 10_000;

/// What is logged, as text.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines above `debug` that `work` logs.
fn logged(work: impl FnOnce()) -> Vec<String> {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::INFO)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, work);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn counts(lines: &[String]) -> Vec<u64> {
    let count = |line: &String| {
        let word = line.split(' ').find_map(|word| word.strip_prefix("count="));
        word.unwrap().parse().unwrap()
    };
    lines.iter().map(count).collect()
}

fn at(milliseconds: u64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + milliseconds)
}

fn jid(text: &str) -> BareJid {
    BareJid::new(text).unwrap()
}

fn published(end: PublishEnd) -> Report {
    Report::Published {
        trace: TraceId::new(1),
        owner: jid("alice@example.org"),
        service: jid("app.example.net"),
        route: Route::Adapter,
        end,
        waited: Duration::ZERO,
        latency: Duration::ZERO,
    }
}

/// One of each kind that can come with every message, request, stanza or registration and has a line above `debug`.
fn complaints() -> Vec<Report> {
    let condition = DefinedCondition::ItemNotFound;
    let (owner, service) = (jid("alice@example.org"), jid("app.example.net"));
    let node = PubsubNode::new("n");
    let target = Target { service, node };
    let trouble = Trouble {
        since: at(0),
        last: at(0),
        days: 1,
        refusals: 1,
    };
    let ended = |reason| Report::Ended {
        trace: None,
        owner: owner.clone(),
        target: target.clone(),
        reason,
    };
    vec![
        published(PublishEnd::Refused(condition)),
        published(PublishEnd::Undeliverable(condition)),
        published(PublishEnd::NotSent(condition)),
        published(PublishEnd::Foreign),
        published(PublishEnd::TimedOut),
        published(PublishEnd::Dropped),
        Report::DeferredEnded {
            trace: TraceId::new(1),
            service: target.service.clone(),
            end: DeferredEnd::Expired,
        },
        Report::DeferredEnded {
            trace: TraceId::new(1),
            service: target.service.clone(),
            end: DeferredEnd::Dropped,
        },
        Report::BreakerOpened {
            host: "example.org".to_owned(),
            service: "app.example.net".to_owned(),
            pause: Duration::from_secs(5),
        },
        Report::BreakerClosed {
            host: "example.org".to_owned(),
            service: "app.example.net".to_owned(),
        },
        Report::Settled {
            trace: TraceId::new(1),
            owner: owner.clone(),
            target: target.clone(),
            status: Status::Failing(trouble),
        },
        Report::Settled {
            trace: TraceId::new(1),
            owner: owner.clone(),
            target: target.clone(),
            status: Status::Quarantined(trouble),
        },
        ended(EndReason::Refused(condition)),
        ended(EndReason::RefusedForDays(condition)),
        ended(EndReason::Unreachable),
        ended(EndReason::Revoked),
        Report::Corrupt {
            owner: owner.clone(),
            rows: 1,
        },
        Report::Decided {
            trace: TraceId::new(1),
            owner: owner.clone(),
            cause: Cause::Offline,
            decision: Decision::NotWorthIt,
            reason: "no rule matches".into(),
            shadow: Some("calls".into()),
            passed_over: Vec::new(),
        },
        Report::Overloaded,
        Report::Skipped { bytes: 1 },
        Report::Untrusted { what: "link" },
        Report::StoreFailed {
            error: "store unavailable".to_owned(),
        },
    ]
}

/// Those that only have a line at `debug`.
fn unremarkable() -> Vec<Report> {
    let owner = jid("alice@example.org");
    vec![
        published(PublishEnd::Accepted),
        published(PublishEnd::Withdrawn),
        published(PublishEnd::Expired),
        Report::Deferred {
            trace: TraceId::new(1),
            owner: owner.clone(),
            service: jid("app.example.net"),
            not_before: at(0),
        },
        Report::Joined {
            trace: TraceId::new(2),
            into: TraceId::new(1),
        },
        Report::Requested {
            owner: owner.clone(),
            outcome: RequestOutcome::Disabled(1),
        },
        Report::Decided {
            trace: TraceId::new(1),
            owner: owner.clone(),
            cause: Cause::Offline,
            decision: Decision::Duplicate,
            reason: "conversation".into(),
            shadow: None,
            passed_over: Vec::new(),
        },
        Report::Settled {
            trace: TraceId::new(1),
            owner: owner.clone(),
            target: Target {
                service: jid("app.example.net"),
                node: PubsubNode::new("n"),
            },
            status: Status::Active,
        },
        Report::Forgotten { owner },
    ]
}

/// Ten thousand within the interval.
fn repeat(log: &mut Log, report: &Report) {
    (0..MANY).for_each(|n| log.observe(at(n * 9_999 / MANY), report));
}

#[test]
fn ten_thousand_of_a_kind_are_two_lines_with_their_number() {
    for report in complaints() {
        let lines = logged(|| {
            let mut log = Log::default();
            repeat(&mut log, &report);
            assert_eq!(log.next_deadline(), Some(at(10_000)));
            log.tick(at(9_999));
            log.tick(at(10_000));
        });
        assert_eq!(counts(&lines), [1, MANY - 1], "{report:?}: {lines:?}");
        assert!(!lines.concat().contains("alice"), "{lines:?}");
    }
}

#[test]
fn the_usual_has_no_line() {
    for report in unremarkable() {
        let lines = logged(|| repeat(&mut Log::default(), &report));
        assert_eq!(lines, [""; 0], "{report:?}");
    }
}

#[test]
fn kinds_do_not_hide_each_other() {
    let lines = logged(|| {
        let mut log = Log::default();
        for report in complaints() {
            log.observe(at(0), &report);
        }
    });
    assert_eq!(counts(&lines), vec![1; complaints().len()]);
}

#[test]
fn each_interval_is_told_and_after_a_quiet_one_it_is_news_again() {
    let lines = logged(|| {
        let mut log = Log::default();
        for second in 0..=50 {
            log.tick(at(second * 1000));
            if [0, 5, 11, 12, 40].contains(&second) {
                log.observe(at(second * 1000), &Report::Overloaded);
            }
        }
        assert_eq!(log.next_deadline(), None);
    });
    assert_eq!(counts(&lines), [1, 1, 2, 1]);
}

#[test]
fn the_last_count_is_told_at_the_end() {
    let lines = logged(|| repeat(&mut Log::default(), &Report::Overloaded));
    assert_eq!(counts(&lines), [1, MANY - 1]);
}

#[test]
fn the_error_of_the_last_failure_is_the_one_told() {
    let failed = |error: &str| Report::StoreFailed {
        error: error.to_owned(),
    };
    let lines = logged(|| {
        let mut log = Log::default();
        for error in ["first", "second", "third"] {
            log.observe(at(0), &failed(error));
        }
    });
    assert!(lines[0].contains("first") && lines[1].contains("third"));
}
