//! A store in virtual time that fails as it is told.

use push_core::store::{Change, Kind, RegistrationStore, StoreError};
use push_core::{
    BareJid, Event, MemoryStore, Query, QueryId, Registration, StoreAnswer, Timestamp,
};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// How a store answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// At once.
    #[default]
    Works,
    /// At once, that it cannot be used.
    Unavailable,
    /// At once, that it will not.
    Refuses,
    /// After so long; what is asked happens then.
    Slow(Duration),
    /// Never; it is not done either.
    Silent,
}

/// [`MemoryStore`] with a [`Mood`].
#[derive(Debug, Default)]
pub struct FakeStore {
    memory: MemoryStore,
    mood: Mood,
    held: Vec<(Timestamp, QueryId, Query)>,
    /// How many questions there were.
    pub asked: usize,
}

impl FakeStore {
    /// From now on.
    pub fn set_mood(&mut self, mood: Mood) {
        self.mood = mood;
    }

    /// The answer, unless it comes later.
    pub fn ask(&mut self, now: Timestamp, id: QueryId, query: Query) -> Option<Event> {
        self.asked += 1;
        let reason = || "told to".into();
        let result = match self.mood {
            Mood::Works => Ok(self.answer(query)),
            Mood::Unavailable => Err(StoreError::Unavailable { reason: reason() }),
            Mood::Refuses => Err(StoreError::Refused { reason: reason() }),
            Mood::Slow(time) => {
                self.held.push((now.after(time), id, query));
                return None;
            }
            Mood::Silent => return None,
        };
        Some(Event::Stored { id, result })
    }

    /// When the next late answer comes.
    pub fn due(&self) -> Option<Timestamp> {
        self.held.iter().map(|(at, ..)| *at).min()
    }

    /// Late answers that come now.
    pub fn late(&mut self, now: Timestamp) -> Vec<Event> {
        let (due, held) = std::mem::take(&mut self.held)
            .into_iter()
            .partition::<Vec<_>, _>(|(at, ..)| *at <= now);
        self.held = held;
        let answer = |(_, id, query)| Event::Stored {
            id,
            result: Ok(self.answer(query)),
        };
        due.into_iter().map(answer).collect()
    }

    /// What a user has.
    pub fn registrations(&self, owner: &str) -> Vec<Registration> {
        let owner = BareJid::new(owner).unwrap();
        let loaded = ready(self.memory.load(&[owner])).unwrap();
        loaded.accounts.into_iter().next().unwrap().registrations
    }

    /// How many registrations there are.
    pub fn len(&self) -> usize {
        let page = self.memory.page(Kind::Registrations, None, usize::MAX);
        ready(page).unwrap().entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Somebody else writes.
    pub fn commit(&self, change: Change) {
        ready(self.memory.commit(&[change])).unwrap();
    }

    fn answer(&self, query: Query) -> StoreAnswer {
        match query {
            Query::Load(owner) => StoreAnswer::Loaded(ready(self.memory.load(&[owner])).unwrap()),
            Query::Commit(changes) => {
                StoreAnswer::Committed(ready(self.memory.commit(&changes)).unwrap())
            }
        }
    }
}

/// The memory store never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("the memory store waits for nothing"),
    }
}
