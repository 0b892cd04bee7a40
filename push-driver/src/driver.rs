//! The loop.

use crate::Clock;
use crate::alarm::Alarm;
use crate::handle::{Command, Handle};
use crate::log::Log;
use crate::observer::Observer;
use crate::questions::Questions;
use push_core::store::RegistrationStore;
use push_core::transport::{StreamEvent, Transport};
use push_core::{
    Action, Event, Machine, OperatorId, OperatorReply, Report, StoreTimeouts, Timestamp,
};
use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

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
    /// When the events at hand came.
    now: Timestamp,
    observers: Vec<Box<dyn Observer>>,
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver")
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}

impl Driver {
    /// A driver and the handle to it.
    ///
    /// Must be called inside of a tokio runtime: there the store is asked, whichever runtime the driver runs on.
    pub fn new(
        machine: Machine,
        transport: Box<dyn Transport>,
        store: Arc<dyn RegistrationStore>,
        config: DriverConfig,
    ) -> (Self, Handle) {
        let (handle, commands) = Handle::new();
        let clock = Clock::start();
        let driver = Self {
            machine,
            transport,
            questions: Questions::start(store, config.call_timeout),
            commands,
            waiting: HashMap::new(),
            asked: 0,
            now: clock.now(),
            clock,
            observers: vec![Box::new(Log::default())],
        };
        (driver, handle)
    }

    /// Adds an observer of every report, behind those that are there: the [`Log`] is the first.
    #[must_use]
    pub fn observed_by(mut self, observer: impl Observer + 'static) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// Takes all observers away, the [`Log`] included.
    #[must_use]
    pub fn unobserved(mut self) -> Self {
        self.observers.clear();
        self
    }

    /// Runs until drained, then closes the stream. Without a handle that drains it, for ever.
    pub async fn run(mut self) {
        let mut alarm = Alarm::new();
        let (mut stream, mut events) = (Vec::new(), Vec::new());
        while !self.act() {
            self.wait(&mut alarm, &mut stream, &mut events).await;
            events.extend(stream.drain(..).map(Event::from));
            self.now = self.clock.now();
            for event in events.drain(..) {
                self.machine.handle(self.now, event);
            }
            for observer in &mut self.observers {
                observer.tick(self.now);
            }
        }
        self.transport.close().await;
    }

    /// Waits until something happens. Looks everywhere each time, so that none that has much to say keeps the others waiting.
    async fn wait(
        &mut self,
        alarm: &mut Alarm,
        stream: &mut Vec<StreamEvent>,
        events: &mut Vec<Event>,
    ) {
        let observers = self.observers.iter().map(|one| one.next_deadline());
        let deadlines = observers.chain([self.machine.next_deadline()]);
        let due = deadlines.flatten().min().map(|at| self.clock.instant(at));
        let mut commands = Vec::new();
        let mut next = self.transport.next(stream);
        poll_fn(|cx| {
            let mut happened = next.as_mut().poll(cx).is_ready();
            happened |= self.questions.poll_answers(cx, events);
            while let Poll::Ready(Some(command)) = self.commands.poll_recv(cx) {
                commands.push(command);
            }
            if due.is_some_and(|due| alarm.poll(cx, due)) {
                events.push(Event::Tick);
                happened = true;
            }
            if happened || !commands.is_empty() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
        drop(next);
        let commands = commands.into_iter().map(|command| self.command(command));
        events.extend(commands);
    }

    /// Does what the Machine wants, as far as the stream takes it. Returns whether it is drained.
    fn act(&mut self) -> bool {
        let (mut drained, mut more) = (false, true);
        while more && !self.transport.is_full() {
            more = false;
            while let Some(action) = self.machine.poll_action() {
                drained |= self.perform(action);
                if self.transport.is_full() {
                    more = true;
                    break;
                }
            }
            self.transport.flush();
        }
        drained
    }

    /// Does one thing. Returns whether it says that the Machine is drained.
    fn perform(&mut self, action: Action) -> bool {
        match action {
            Action::Send(outbound) => self.transport.send(&outbound),
            Action::Store { id, query } => self.questions.ask(id, query),
            Action::Report(report) => self.report(&report),
            Action::Operator { id, reply } => {
                let drained = reply == OperatorReply::Drained;
                let asker = self.waiting.remove(&id);
                // Whoever asked may have left.
                drop(asker.map(|asker| asker.send(reply)));
                return drained;
            }
            other => {
                tracing::error!(action = ?std::mem::discriminant(&other), "unknown action of the core")
            }
        }
        false
    }

    fn report(&mut self, report: &Report) {
        for observer in &mut self.observers {
            observer.observe(self.now, report);
        }
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
