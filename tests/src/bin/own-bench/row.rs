//! One row of the table: a service, a load, and what it took.

use crate::Result;
use crate::adapter::{self, COMPONENT, HOST};
use crate::server::{Counts, SECRET, Server};
use push_tests::server::process::Process;
use push_tests::server::usage::{Usage, resident};
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long the load runs before it is measured.
const WARM_UP: Duration = Duration::from_secs(1);
/// Enables that wait for their answer at the same time.
const ENABLES: u64 = 500;
/// Events written at once, at most.
const PORTION: u64 = 100;

#[derive(Clone, Copy)]
pub(crate) enum Load {
    /// So many events a second, one by one.
    Paced(u32),
    /// As many as the window lets through.
    Saturated,
}

/// What is measured, and under what load.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) load: Load,
    /// Whether the users have registrations: else their events end with the look that finds none.
    pub(crate) registered: bool,
    pub(crate) users: u64,
    pub(crate) window: u64,
    /// What is measured.
    pub(crate) program: &'a Path,
}

/// A service at work. The folder goes when this value does.
struct Stage {
    server: Arc<Server>,
    process: Process,
    _folder: TempDir,
}

impl Row<'_> {
    pub(crate) const HEADER: &'static str =
        "load                  | events/s | pushes/s | CPU us/push | switches/push | RSS MB (peak)";

    /// Starts a service, loads it, and says what that took.
    pub(crate) fn measure(self, time: Duration) -> Result<String> {
        let stage = Stage::set(self)?;
        let mut events = Events::default();
        events.run(self, &stage.server, WARM_UP)?;
        let (before, start) = (*stage.server.counts(), Instant::now());
        let usage = Usage::of(stage.process.id())?;
        events.run(self, &stage.server, time)?;
        let spent = Usage::of(stage.process.id())?.since(&usage);
        let (after, took) = (*stage.server.counts(), start.elapsed());
        let line = self.line(&before, &after, spent, took);
        let resident = resident(stage.process.id())?;
        // Nothing may be lost.
        stage
            .server
            .wait(|counts| counts.acknowledged == events.sent)
            .map_err(|error| format!("{error}; {} events were sent", events.sent))?;
        Ok(format!("{line} | {} ({})", resident.0, resident.1))
    }

    fn line(
        self,
        before: &Counts,
        after: &Counts,
        (cpu, switches): (Duration, u64),
        took: Duration,
    ) -> String {
        let events = after.acknowledged - before.acknowledged;
        let pushes = after.published - before.published;
        // Where nobody is registered there is no push, and the cost is an event's.
        let count = float(if self.registered { pushes } else { events });
        let per_second = |count: u64| float(count) / took.as_secs_f64();
        let name = match self.load {
            Load::Paced(rate) => format!("paced {rate}/s"),
            Load::Saturated if self.registered => "saturated".to_owned(),
            Load::Saturated => "nobody registered (*)".to_owned(),
        };
        format!(
            "{name:21} | {:8.0} | {:8.0} | {:11.1} | {:13.2}",
            per_second(events),
            per_second(pushes),
            cpu.as_secs_f64() * 1e6 / count,
            float(switches) / count
        )
    }
}

pub(crate) fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

impl Stage {
    fn set(row: Row<'_>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("xmpp-push.toml");
        fs::write(&file, config(listener.local_addr()?.port(), row.window))?;
        let mut command = Command::new(row.program);
        command.args(["run", "--config"]).arg(file);
        let process = Process::spawn("xmpp-push", &command, &folder.path().join("log"))?;
        let server = Server::accept(&listener)?;
        server.wait(|counts| counts.attached)?;
        if row.registered {
            enable(&server, row.users)?;
        }
        Ok(Self {
            server,
            process,
            _folder: folder,
        })
    }
}

fn config(port: u16, window: u64) -> String {
    format!(
        "[component]\njid = '{COMPONENT}'\nserver = '127.0.0.1:{port}'\nsecret = '{SECRET}'\nhosts = ['{HOST}']\n[store]\nurl = 'registrations.db'\n[push.workers]\nmax_queue = {window}\n"
    )
}

fn enable(server: &Server, users: u64) -> Result<()> {
    let mut requests = String::new();
    for user in 0..users {
        adapter::enable(&mut requests, user);
        if (user + 1) % PORTION == 0 || user + 1 == users {
            server.send(&std::mem::take(&mut requests))?;
            server.wait(|counts| counts.enabled + ENABLES > user || counts.refused > 0)?;
        }
    }
    let counts = server.wait(|counts| counts.enabled + counts.refused == users)?;
    match counts.refused {
        0 => Ok(()),
        refused => Err(format!("{refused} enables were refused").into()),
    }
}

/// The events so far: numbers go on over several runs.
#[derive(Default)]
struct Events {
    sent: u64,
}

impl Events {
    fn run(&mut self, row: Row<'_>, server: &Server, time: Duration) -> Result<()> {
        match row.load {
            Load::Paced(rate) => self.paced(row, server, rate, time),
            Load::Saturated => self.saturated(row, server, time),
        }
    }

    fn paced(&mut self, row: Row<'_>, server: &Server, rate: u32, time: Duration) -> Result<()> {
        let start = Instant::now();
        let mut due = Duration::ZERO;
        while due < time {
            thread::sleep((start + due).saturating_duration_since(Instant::now()));
            self.send(row, server, 1)?;
            due += Duration::from_secs(1) / rate;
        }
        Ok(())
    }

    fn saturated(&mut self, row: Row<'_>, server: &Server, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            let room =
                |counts: &Counts| (counts.acknowledged + row.window).saturating_sub(self.sent);
            let counts = server.wait(|counts| room(counts) > 0)?;
            self.send(row, server, room(&counts).min(PORTION))?;
        }
        Ok(())
    }

    fn send(&mut self, row: Row<'_>, server: &Server, count: u64) -> Result<()> {
        let mut text = String::new();
        for _ in 0..count {
            self.sent += 1;
            adapter::event(&mut text, self.sent, self.sent % row.users);
        }
        server.send(&text)
    }
}
