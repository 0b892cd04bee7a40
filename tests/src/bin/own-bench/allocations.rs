//! Allocations of one push, without any I/O: decoding, the Machine, writing.

use crate::Result;
use crate::adapter::{self, COMPONENT, HOST, Heard};
use crate::row::float;
use push_core::store::{RegistrationStore, StoreError};
use push_core::xml::Stanza;
use push_core::{
    Action, Event, Machine, MemoryStore, Query, QueryId, Settings, StoreAnswer, Timestamp,
};
use push_transport_xmpp::{Decoder, Incoming, Limits, XmlWriter};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Registered users; each is pushed to once while nothing is counted.
const USERS: u64 = 1_000;
/// Pushes that are counted.
const PUSHES: u64 = 10_000;

/// Allocations by what they were made for.
#[derive(Default)]
struct Counted {
    decode: usize,
    handle: usize,
    outcome: usize,
}

/// Says what one push of many took on average.
pub(crate) fn measure() -> Result<String> {
    let mut bench = Bench::new()?;
    for user in 0..USERS {
        let mut request = String::new();
        adapter::enable(&mut request, user);
        bench.tell(&request)?;
    }
    let mut counted = Counted::default();
    for number in 1..=USERS {
        bench.push(number, &mut counted)?;
    }
    counted = Counted::default();
    for number in USERS + 1..=USERS + PUSHES {
        bench.push(number, &mut counted)?;
    }
    Ok(counted.line())
}

impl Counted {
    fn line(&self) -> String {
        let each = |count: usize| format!("{:.1}", float(count as u64) / float(PUSHES));
        format!(
            "allocations per push: {} (decode {}, handle and write {}, outcome {})",
            each(self.decode + self.handle + self.outcome),
            each(self.decode),
            each(self.handle),
            each(self.outcome)
        )
    }
}

/// A Machine between a decoder and a writer.
struct Bench {
    machine: Machine,
    now: Timestamp,
    decoder: Decoder,
    writer: XmlWriter,
    /// What the Machine asked the store.
    queries: Vec<(QueryId, Query)>,
    /// Reads what was written.
    reader: Decoder,
    store: MemoryStore,
    runtime: Runtime,
}

const OPEN: &[u8] = b"<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='1'>";

impl Bench {
    /// With an adapter attached.
    fn new() -> Result<Self> {
        let settings = Settings::new(COMPONENT, vec![HOST.to_owned()]);
        let mut bench = Self {
            machine: Machine::new(settings, [7; 32]),
            now: Timestamp::from_millis(1_790_000_000_000),
            decoder: opened()?,
            writer: XmlWriter::new(),
            queries: Vec::new(),
            reader: opened()?,
            store: MemoryStore::new(),
            runtime: Builder::new_current_thread().build()?,
        };
        bench.handle(Event::Up);
        let mut hello = String::new();
        bench.hear(|heard| {
            if let Heard::Hello(session) = heard {
                adapter::hello(&mut hello, &session);
            }
        })?;
        bench.tell(&hello)?;
        Ok(bench)
    }

    /// An event, and the outcome of what is published for it.
    fn push(&mut self, number: u64, counted: &mut Counted) -> Result<()> {
        let (mut event, mut outcome) = (String::new(), String::new());
        adapter::event(&mut event, number, number % USERS);
        let region = Region::new(ALLOCATOR);
        let stanza = self.decode(&event)?;
        counted.decode += region.change().allocations;
        let region = Region::new(ALLOCATOR);
        self.handle(Event::Stanza(stanza));
        counted.handle += region.change().allocations;
        self.hear(|heard| {
            if let Heard::Publish(number) = heard {
                adapter::outcome(&mut outcome, number);
            }
        })?;
        if outcome.is_empty() {
            return Err("an event led to no publish".into());
        }
        let region = Region::new(ALLOCATOR);
        let stanza = self.decode(&outcome)?;
        self.handle(Event::Stanza(stanza));
        counted.outcome += region.change().allocations;
        self.hear(drop)
    }

    /// Something that may need the store.
    fn tell(&mut self, text: &str) -> Result<()> {
        let stanza = self.decode(text)?;
        self.handle(Event::Stanza(stanza));
        while let Some((id, query)) = self.queries.pop() {
            let result = self.runtime.block_on(answer(&self.store, query));
            self.handle(Event::Stored { id, result });
        }
        self.hear(drop)
    }

    fn decode(&mut self, text: &str) -> Result<Stanza> {
        self.decoder.push(text.as_bytes());
        match self.decoder.next_incoming()? {
            Some(Incoming::Stanza(stanza)) => Ok(stanza),
            other => Err(format!("not one stanza: {other:?}").into()),
        }
    }

    /// Lets it happen, and writes what follows.
    fn handle(&mut self, event: Event) {
        self.machine.handle(self.now, event);
        while let Some(action) = self.machine.poll_action() {
            match action {
                Action::Send(outbound) => self.writer.stanza(&outbound),
                Action::Store { id, query } => self.queries.push((id, query)),
                _ => {}
            }
        }
    }

    /// Reads what was written.
    fn hear(&mut self, mut heard: impl FnMut(Heard)) -> Result<()> {
        self.reader.push(self.writer.bytes());
        self.writer.clear();
        self.now = self.now.after(Duration::from_millis(1));
        while let Some(incoming) = self.reader.next_incoming()? {
            if let Incoming::Stanza(stanza) = incoming {
                adapter::hear(&stanza, &mut heard);
            }
        }
        Ok(())
    }
}

/// A decoder of a stream that is open.
fn opened() -> Result<Decoder> {
    let mut decoder = Decoder::new(Limits::default());
    decoder.push(OPEN);
    decoder.next_incoming()?;
    Ok(decoder)
}

async fn answer(store: &MemoryStore, query: Query) -> std::result::Result<StoreAnswer, StoreError> {
    match query {
        Query::Load(owner) => store.load(&[owner]).await.map(StoreAnswer::Loaded),
        Query::Commit(changes) => store.commit(&changes).await.map(StoreAnswer::Committed),
    }
}
