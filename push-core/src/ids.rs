//! Names for what the Machine keeps apart.

use std::fmt;

/// Names one question to the store; the answer repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueryId(pub(crate) u64);

/// Names one request of the operator; the reply repeats it. Chosen by the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperatorId(pub u64);

/// Follows one missed message through a run of the Machine: its decision, its deliveries and their answers share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId(u64);

impl TraceId {
    /// Returns the trace of that number; the Machine draws its own.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number, which is unique within one run.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names a host whose users are served, for the life of the Machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct HostId(u32);

impl HostId {
    /// The least and the greatest of all.
    pub(crate) const FIRST: Self = Self(0);
    pub(crate) const LAST: Self = Self(u32::MAX);

    /// The host at `index` of every list that is kept per host.
    pub(crate) fn new(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// Its place in such a list.
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Names one attempt at a delivery, within the route that takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum DeliveryId {
    /// By the host's adapter, which counts from 1 without gaps (docs/protocol.md §5).
    Adapter(HostId, u64),
    /// By an IQ of the component.
    Own(u64),
}

/// Names one push service, a domain, as the users of one host meet it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ServiceKey(pub(crate) u64);

/// Names one registration and class of one user: at most one delivery waits for it, and at most one is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Slot {
    /// The hash of the owner.
    pub(crate) owner: u64,
    /// The hash of the target and the class.
    pub(crate) registration: u64,
}

/// Stands for one event of an adapter until it can be acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct EventHold {
    /// The adapter's host.
    pub(crate) host: HostId,
    /// Which of the adapter's epochs the number belongs to, counted here.
    pub(crate) generation: u32,
    /// The event's number in that epoch.
    pub(crate) number: u64,
}
