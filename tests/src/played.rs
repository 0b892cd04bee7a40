//! The program itself, on a real socket, beside a server that is played: its adapter is that of the world suite, which keeps
//! to docs/protocol.md, and its push services answer or are silent.

mod ledger;
mod link;
mod load;
mod services;

pub use ledger::{Ledger, Times};
pub use load::Load;
pub use services::{SILENT, Services};

use crate::server::process::Process;
use crate::server::{Failure, Result};
use crate::world::{Adapter, COMPONENT, HOST};
use link::{Heard, Link};
use push_core::Timestamp;
use push_core::xml::Stanza;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};
use tempfile::TempDir;

/// Publishes that the server has in flight at most.
pub const PLACES: usize = 5_000;
/// Events of one user that it may have outstanding, as the adapters of Prosody and ejabberd.
const SHARE: usize = 50;
/// How often time-outs are looked for.
const TICK: Duration = Duration::from_millis(100);
/// Requests that wait for their answer at the same time.
const REQUESTS: usize = 50;
/// How long the service may take for what it does at once.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program and its surroundings. Everything but sockets is done on the thread that calls.
#[derive(Debug)]
pub struct Stage {
    /// The module in the server.
    pub adapter: Adapter,
    /// The push services.
    pub services: Services,
    /// Who missed what.
    pub ledger: Ledger,
    /// Events that were deferred, counted each time.
    pub deferrals: u64,
    /// Streams that came up.
    pub streams: u64,
    process: Process,
    program: PathBuf,
    link: Link,
    next_tick: Instant,
    messages: u64,
    folder: TempDir,
}

impl Stage {
    /// Starts `program` with a store of its own; `settings` are added to its configuration.
    pub fn set(program: &Path, settings: &str) -> Result<Self> {
        Self::beside(Adapter::new(HOST), program, settings)
    }

    /// The same, beside this adapter.
    pub fn beside(mut adapter: Adapter, program: &Path, settings: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let link = Link::listen()?;
        let config = format!(
            "[component]\njid = '{COMPONENT}'\nserver = '127.0.0.1:{}'\nsecret = 'played'\nhosts = ['{HOST}']\n\
             [store]\nurl = 'registrations.db'\n[push]\ninclude_body = true\n{settings}",
            link.port()
        );
        std::fs::write(folder.path().join("xmpp-push.toml"), config)?;
        adapter.max_in_flight = PLACES;
        adapter.window_of_user = SHARE;
        let mut stage = Self {
            adapter,
            services: Services::default(),
            ledger: Ledger::default(),
            deferrals: 0,
            streams: 0,
            process: start(program, folder.path())?,
            program: program.to_path_buf(),
            link,
            next_tick: Instant::now(),
            messages: 0,
            folder,
        };
        stage.until("attaches", PATIENCE, |stage| stage.adapter.is_attached())?;
        Ok(stage)
    }

    /// The id of the program's process.
    pub fn process(&self) -> u32 {
        self.process.id()
    }

    /// Lets one device of each user enable push at the push service that serves them.
    pub fn enable(&mut self, users: usize) -> Result<()> {
        self.ledger.add(users);
        for user in 0..users {
            self.enable_again(user)?;
        }
        self.answered()
    }

    /// The device of a user asks to enable push.
    pub fn enable_again(&mut self, user: usize) -> Result<()> {
        let jid = Services::of(user);
        let enable = format!("<enable xmlns='urn:xmpp:push:0' jid='{jid}' node='user{user}'/>");
        self.request(&format!("user{user}"), &enable)
    }

    /// A client asks, as soon as not too many wait.
    pub fn request(&mut self, user: &str, payload: &str) -> Result<()> {
        self.until("answers", PATIENCE, |stage| {
            stage.adapter.asking() < REQUESTS
        })?;
        self.ask(user, payload);
        Ok(())
    }

    /// A client asks, however many wait.
    pub fn ask(&mut self, user: &str, payload: &str) {
        self.adapter.request(now(), user, "phone", payload);
    }

    /// Waits for the answers to all requests; each has to be granted.
    pub fn answered(&mut self) -> Result<()> {
        self.until("answers", PATIENCE, |stage| stage.adapter.asking() == 0)?;
        let mut told = self.adapter.told.drain(..);
        match told.find(|told| told.what != "result") {
            Some(told) => Err(Failure::new(format!("{}: {}", told.what, told.text))),
            None => Ok(()),
        }
    }

    /// A user missed a message.
    pub fn missed(&mut self, user: usize) {
        let number = self.missed_by(&format!("user{user}"));
        self.ledger.missed(user, number, Instant::now());
    }

    /// Lets users miss messages until so long after the beginning of the load.
    pub fn load(&mut self, load: &mut Load, end: Duration) -> Result<()> {
        while let Some((at, user)) = load.next_before(end) {
            self.run(at)?;
            self.missed(user);
        }
        Ok(())
    }

    /// Somebody who is not in the ledger missed a message. Returns its number.
    pub fn missed_by(&mut self, user: &str) -> u64 {
        self.messages += 1;
        let number = self.messages;
        let message = format!(
            "<message xmlns='jabber:client' type='chat' from='juliet@{HOST}/balcony' to='{user}@{HOST}' id='m{number}'><body>{number}</body></message>"
        );
        self.adapter
            .missed(now(), "offline", user, None, &message, &[]);
        number
    }

    /// Ends the program by kill -9 and starts it again.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()?;
        self.services.forget();
        self.process = start(&self.program, self.folder.path())?;
        Ok(())
    }

    /// Lets everybody go on until all that `is_done` looks at has happened.
    pub fn until(
        &mut self,
        what: &str,
        patience: Duration,
        is_done: impl Fn(&Self) -> bool,
    ) -> Result<()> {
        let end = Instant::now() + patience;
        while !is_done(self) {
            if Instant::now() > end {
                return Err(self.process.failure(&format!("no longer {what}")));
            }
            self.step(end)?;
        }
        Ok(())
    }

    /// Lets everybody go on until then.
    pub fn run(&mut self, end: Instant) -> Result<()> {
        while !self.step(end)? {}
        Ok(())
    }

    /// Does what is due, and waits for what comes next, not beyond `end`. Returns whether it is reached.
    fn step(&mut self, end: Instant) -> Result<bool> {
        self.act();
        let due = self.services.due().unwrap_or(end);
        let first = self.next_tick.min(due).min(end);
        let mut heard = self.link.wait(first)?;
        while let Some(next) = heard {
            self.hear(next)?;
            heard = self.link.take();
        }
        self.act();
        Ok(Instant::now() >= end)
    }

    /// Answers, ends what took too long, and sends what is to be sent.
    fn act(&mut self) {
        let moment = Instant::now();
        for (number, notification) in self.services.answers(moment) {
            self.adapter.outcome(number, "type='result'");
            self.ledger.accepted(&notification);
        }
        if self.next_tick <= moment {
            self.next_tick = moment + TICK;
            self.adapter.tick(now());
        }
        self.link.send(&self.adapter.out.concat());
        self.adapter.out.clear();
    }

    fn hear(&mut self, heard: Heard) -> Result<()> {
        match heard {
            Heard::Up(socket) => {
                self.streams += 1;
                self.link.attach(socket);
                self.adapter.connect();
            }
            Heard::Down => self.adapter.disconnect(),
            Heard::Stanza(at, stanza) => self.take(at, &stanza),
            Heard::Fault(fault) => return Err(self.process.failure(&fault)),
        }
        Ok(())
    }

    fn take(&mut self, at: Instant, stanza: &Stanza) {
        let elements = stanza.root().children();
        let deferrals = elements.filter(|element| element.name() == "defer");
        self.deferrals += deferrals.count() as u64;
        self.adapter.take(now(), stanza);
        for relay in self.adapter.relays.drain(..) {
            self.ledger.published(&relay.notification, at);
            self.services.receive(relay);
        }
    }
}

fn start(program: &Path, folder: &Path) -> Result<Process> {
    let mut command = Command::new(program);
    command
        .args(["run", "--config"])
        .arg(folder.join("xmpp-push.toml"));
    Process::spawn("xmpp-push", &command, &folder.join("log"))
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let millis = since.unwrap_or_default().as_millis();
    Timestamp::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}
