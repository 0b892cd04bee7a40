//! The loop.

use crate::Clock;
use crate::handle::{Command, Handle};
use crate::log::Log;
use crate::questions::Questions;
use push_core::store::RegistrationStore;
use push_core::transport::{StreamEvent, Transport};
use push_core::{Action, Event, Machine, OperatorId, OperatorReply, StoreTimeouts, Timestamp};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

/// What a driver can be told.
#[derive(Clone, Copy, Debug)]
pub struct DriverConfig {
    /// How long a call to the store may take: [`StoreTimeouts::call`], while the Machine's policy has
    /// [`StoreTimeouts::machine`], so that the store's own error comes first. Default 10 s.
    pub call_timeout: Duration,
}

impl Default for DriverConfig {
    fn default() -> Self {
        Self {
            call_timeout: StoreTimeouts::default().call(),
        }
    }
}

/// A Machine with everything it needs to run.
pub struct Driver {
    machine: Machine,
    transport: Box<dyn Transport>,
    questions: Questions,
    commands: mpsc::UnboundedReceiver<Command>,
    waiting: HashMap<OperatorId, oneshot::Sender<OperatorReply>>,
    asked: u64,
    clock: Clock,
    log: Log,
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver")
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}

impl Driver {
    /// A driver and the handle to it. Must be called inside of a tokio runtime.
    pub fn new(
        machine: Machine,
        transport: Box<dyn Transport>,
        store: Arc<dyn RegistrationStore>,
        config: DriverConfig,
    ) -> (Self, Handle) {
        let (handle, commands) = Handle::new();
        let driver = Self {
            machine,
            transport,
            questions: Questions::start(store, config.call_timeout),
            commands,
            waiting: HashMap::new(),
            asked: 0,
            clock: Clock::start(),
            log: Log::default(),
        };
        (driver, handle)
    }

    /// Runs until drained, then closes the stream. Without a handle that drains it, for ever.
    pub async fn run(mut self) {
        let (mut stream, mut events) = (Vec::<StreamEvent>::new(), Vec::new());
        while !self.act() {
            let due = self
                .machine
                .next_deadline()
                .map(|at| self.clock.instant(at));
            tokio::select! {
                () = self.transport.next(&mut stream) => events.extend(stream.drain(..).map(Event::from)),
                () = self.questions.answers(&mut events) => {}
                Some(command) = self.commands.recv() => {
                    let event = self.command(command);
                    events.push(event);
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => events.push(Event::Tick),
            }
            let now = self.now();
            events
                .drain(..)
                .for_each(|event| self.machine.handle(now, event));
        }
        self.transport.close().await;
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Does what the Machine wants. Returns whether it is drained.
    fn act(&mut self) -> bool {
        let mut drained = false;
        while let Some(action) = self.machine.poll_action() {
            match action {
                Action::Send(outbound) => self.transport.send(&outbound),
                Action::Store { id, query } => self.questions.ask(id, query),
                Action::Report(report) => self.log.report(&report),
                Action::Operator { id, reply } => {
                    drained |= reply == OperatorReply::Drained;
                    let asker = self.waiting.remove(&id);
                    // Whoever asked may have left.
                    drop(asker.map(|asker| asker.send(reply)));
                }
                other => {
                    tracing::error!(action = ?std::mem::discriminant(&other), "unknown action of the core")
                }
            }
        }
        self.transport.flush();
        drained
    }

    fn command(&mut self, command: Command) -> Event {
        match command {
            Command::Configure(settings) => Event::Configure(settings),
            Command::Invalidate(owner) => Event::Invalidate(owner),
            Command::Ask(request, asker) => {
                self.asked += 1;
                let id = OperatorId(self.asked);
                self.waiting.insert(id, asker);
                Event::Operator { id, request }
            }
        }
    }
}
