//! The Machine's questions at the store, in batches.

use push_core::store::{Change, Loaded, RegistrationStore, StoreError};
use push_core::{BareJid, Event, Query, QueryId, StoreAnswer};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

/// Questions taken into one batch.
const BATCH: usize = 256;
/// Batches at the store at the same time: one is worked on while the next gathers.
const AT_ONCE: usize = 8;

/// Where questions go and answers come from.
#[derive(Debug)]
pub(crate) struct Questions {
    ask: mpsc::UnboundedSender<(QueryId, Query)>,
    answers: mpsc::UnboundedReceiver<Event>,
}

/// A store as batches see it.
#[derive(Clone)]
struct Asker {
    store: Arc<dyn RegistrationStore>,
    answers: mpsc::UnboundedSender<Event>,
    limit: Duration,
}

impl Questions {
    /// Serves questions until this value is dropped; a batch that takes longer than `limit` is given up.
    pub(crate) fn start(store: Arc<dyn RegistrationStore>, limit: Duration) -> Self {
        // Both channels are bounded by the Machine: it asks one question per user, for so many users at once.
        let (ask, questions) = mpsc::unbounded_channel();
        let (answer, answers) = mpsc::unbounded_channel();
        tokio::spawn(serve(
            questions,
            Asker {
                store,
                answers: answer,
                limit,
            },
        ));
        Self { ask, answers }
    }

    pub(crate) fn ask(&self, id: QueryId, query: Query) {
        // The serving task lives as long as this sender.
        drop(self.ask.send((id, query)));
    }

    /// Appends the answers that are there. Returns whether there are any; otherwise the task is woken when there are.
    pub(crate) fn poll_answers(&mut self, cx: &mut Context<'_>, into: &mut Vec<Event>) -> bool {
        let answers = self.answers.poll_recv_many(cx, into, BATCH);
        matches!(answers, Poll::Ready(1..))
    }
}

async fn serve(mut questions: mpsc::UnboundedReceiver<(QueryId, Query)>, asker: Asker) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else {
            return;
        };
        if questions.recv_many(&mut batch, BATCH).await == 0 {
            return;
        }
        let (asker, batch) = (asker.clone(), std::mem::take(&mut batch));
        tokio::spawn(async move {
            asker.batch(batch).await;
            drop(permit);
        });
    }
}

impl Asker {
    async fn batch(&self, batch: Vec<(QueryId, Query)>) {
        let (mut loads, mut commits) = (Vec::new(), Vec::new());
        for (id, query) in batch {
            match query {
                Query::Load(owner) => loads.push((id, owner)),
                Query::Commit(changes) => commits.push((id, changes)),
            }
        }
        tokio::join!(self.load(loads), self.commit(commits));
    }

    async fn load(&self, questions: Vec<(QueryId, BareJid)>) {
        let (ids, owners): (Vec<QueryId>, Vec<BareJid>) = questions.into_iter().unzip();
        match self.loaded(&owners).await {
            Ok(loaded) if loaded.corrupt == 0 || ids.len() == 1 => {
                let mut accounts = loaded.accounts.into_iter();
                for id in ids {
                    let accounts = accounts.by_ref().take(1).collect();
                    self.answer(
                        id,
                        Ok(StoreAnswer::Loaded(Loaded {
                            accounts,
                            corrupt: loaded.corrupt,
                        })),
                    );
                }
            }
            Err(error) if ids.len() <= 1 => ids
                .into_iter()
                .for_each(|id| self.answer(id, Err(error.clone()))),
            Err(error @ StoreError::Unavailable { .. }) => {
                ids.into_iter()
                    .for_each(|id| self.answer(id, Err(error.clone())));
            }
            // Whose fault was it? Each alone.
            _ => {
                for (id, owner) in ids.into_iter().zip(owners) {
                    let loaded = self.loaded(&[owner]).await;
                    self.answer(id, loaded.map(StoreAnswer::Loaded));
                }
            }
        }
    }

    async fn commit(&self, questions: Vec<(QueryId, Vec<Change>)>) {
        let all: Vec<Change> = questions
            .iter()
            .flat_map(|(_, changes)| changes.clone())
            .collect();
        match self.committed(&all).await {
            Ok(committed) => {
                let mut committed = committed.into_iter();
                for (id, changes) in questions {
                    let own = committed.by_ref().take(changes.len()).collect();
                    self.answer(id, Ok(StoreAnswer::Committed(own)));
                }
            }
            Err(error)
                if questions.len() <= 1 || matches!(error, StoreError::Unavailable { .. }) =>
            {
                questions
                    .into_iter()
                    .for_each(|(id, _)| self.answer(id, Err(error.clone())));
            }
            Err(_) => {
                for (id, changes) in questions {
                    let committed = self.committed(&changes).await;
                    self.answer(id, committed.map(StoreAnswer::Committed));
                }
            }
        }
    }

    async fn loaded(&self, owners: &[BareJid]) -> Result<Loaded, StoreError> {
        if owners.is_empty() {
            return Ok(Loaded::default());
        }
        timeout(self.limit, self.store.load(owners))
            .await
            .unwrap_or_else(|_| Err(too_slow()))
    }

    async fn committed(
        &self,
        changes: &[Change],
    ) -> Result<Vec<push_core::store::Committed>, StoreError> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        timeout(self.limit, self.store.commit(changes))
            .await
            .unwrap_or_else(|_| Err(too_slow()))
    }

    fn answer(&self, id: QueryId, result: Result<StoreAnswer, StoreError>) {
        // Nobody listens any more only when the driver has ended.
        drop(self.answers.send(Event::Stored { id, result }));
    }
}

fn too_slow() -> StoreError {
    StoreError::Unavailable {
        reason: "no answer in time".to_owned(),
    }
}
