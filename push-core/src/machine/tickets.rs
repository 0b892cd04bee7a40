//! Events of the feed that are not decided yet.

use crate::hash::{Seeded, SeededMap};

/// Stands for one event until it is decided and every publish it led to has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct TicketId(u64);

/// The event a ticket stands for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket {
    /// Index of the host.
    pub(super) host: usize,
    /// Which of the host's epochs it belongs to.
    pub(super) generation: u64,
    /// Its number in the epoch.
    pub(super) number: u64,
    /// The user is back.
    pub(super) withdrawn: bool,
    holders: u32,
}

/// All open tickets.
#[derive(Debug)]
pub(super) struct Tickets {
    open: SeededMap<TicketId, Ticket>,
    drawn: u64,
}

impl Tickets {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            open: hash.map(),
            drawn: 0,
        }
    }

    /// A ticket with one holder.
    pub(super) fn open(&mut self, host: usize, generation: u64, number: u64) -> TicketId {
        self.drawn += 1;
        let id = TicketId(self.drawn);
        self.open.insert(
            id,
            Ticket {
                host,
                generation,
                number,
                withdrawn: false,
                holders: 1,
            },
        );
        id
    }

    /// One more holder.
    pub(super) fn hold(&mut self, id: TicketId) {
        if let Some(ticket) = self.open.get_mut(&id) {
            ticket.holders += 1;
        }
    }

    /// One holder less; the ticket, when that was the last.
    pub(super) fn release(&mut self, id: TicketId) -> Option<Ticket> {
        let ticket = self.open.get_mut(&id)?;
        ticket.holders = ticket.holders.saturating_sub(1);
        if ticket.holders > 0 {
            return None;
        }
        self.open.remove(&id)
    }

    /// The ticket is never acknowledged.
    pub(super) fn forget(&mut self, id: TicketId) {
        self.open.remove(&id);
    }

    pub(super) fn withdraw(&mut self, id: TicketId) {
        if let Some(ticket) = self.open.get_mut(&id) {
            ticket.withdrawn = true;
        }
    }

    /// Whether there are tickets and the users of all of them are back.
    pub(super) fn all_withdrawn(&self, ids: &[TicketId]) -> bool {
        let withdrawn = |id: &TicketId| self.open.get(id).is_some_and(|ticket| ticket.withdrawn);
        !ids.is_empty() && ids.iter().all(withdrawn)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}
