//! What the world tells the Machine.

use crate::ids::{OperatorId, QueryId};
use crate::settings::Settings;
use crate::store::{Committed, Loaded, StoreError};
use crate::transport::{DownReason, StreamEvent};
use crate::xml::Stanza;
use jid::BareJid;

/// Something that happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The stream is up.
    Up,
    /// The stream is (still) down.
    Down(DownReason),
    /// A stanza came in.
    Stanza(Stanza),
    /// A stanza of so many bytes was over the transport's limit and passed over.
    Skipped(usize),
    /// The store answered, or could not.
    Stored {
        /// The question.
        id: QueryId,
        /// The answer.
        result: Result<StoreAnswer, StoreError>,
    },
    /// New settings, from now on. The component's name and the fence stay those the stream was opened with.
    Configure(Box<Settings>),
    /// The operator asks.
    Operator {
        /// Repeated in the reply.
        id: OperatorId,
        /// What is asked.
        request: OperatorRequest,
    },
    /// Somebody else changed this account in the store.
    Invalidate(BareJid),
    /// Time has passed; due deadlines are judged at every event.
    Tick,
}

impl From<StreamEvent> for Event {
    fn from(event: StreamEvent) -> Self {
        match event {
            StreamEvent::Up => Self::Up,
            StreamEvent::Down(reason) => Self::Down(reason),
            StreamEvent::Stanza(stanza) => Self::Stanza(stanza),
            StreamEvent::Skipped(bytes) => Self::Skipped(bytes),
        }
    }
}

/// What the store answered.
#[derive(Debug)]
pub enum StoreAnswer {
    /// To a load of one owner.
    Loaded(Loaded),
    /// To a commit, one for each change.
    Committed(Vec<Committed>),
}

/// What an operator can ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OperatorRequest {
    /// How things stand.
    Status,
    /// Tell the adapters that we stop; replied to when nothing is in work any more.
    Drain,
}
