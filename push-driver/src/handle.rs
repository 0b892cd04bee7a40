//! Talking to a driver that runs.

use push_core::{BareJid, OperatorReply, OperatorRequest, Settings, Status};
use tokio::sync::{mpsc, oneshot};

/// What a handle asks of its driver.
#[derive(Debug)]
pub(crate) enum Command {
    Ask(OperatorRequest, oneshot::Sender<OperatorReply>),
    Configure(Box<Settings>),
    Invalidate(BareJid),
}

/// Asks a running driver. Cheap to clone. Once the driver has ended nothing is answered any more.
#[derive(Clone, Debug)]
pub struct Handle {
    commands: mpsc::UnboundedSender<Command>,
}

impl Handle {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Command>) {
        let (commands, receiver) = mpsc::unbounded_channel();
        (Self { commands }, receiver)
    }

    /// How things stand; `None` when the driver has ended.
    pub async fn status(&self) -> Option<Status> {
        match self.ask(OperatorRequest::Status).await? {
            OperatorReply::Status(status) => Some(status),
            _ => None,
        }
    }

    /// Stops taking work, waits for what is in work and ends the driver.
    pub async fn drain(&self) {
        self.ask(OperatorRequest::Drain).await;
    }

    /// New settings from now on.
    pub fn configure(&self, settings: Settings) {
        self.tell(Command::Configure(Box::new(settings)));
    }

    /// The account was changed in the store by somebody else.
    pub fn invalidate(&self, owner: BareJid) {
        self.tell(Command::Invalidate(owner));
    }

    async fn ask(&self, request: OperatorRequest) -> Option<OperatorReply> {
        let (reply, answer) = oneshot::channel();
        self.tell(Command::Ask(request, reply));
        answer.await.ok()
    }

    fn tell(&self, command: Command) {
        // An ended driver takes no commands; whoever waits for an answer sees that by its absence.
        drop(self.commands.send(command));
    }
}
