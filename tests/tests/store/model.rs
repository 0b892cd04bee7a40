//! Random sequences, answered as the memory store answers them.

use super::fresh;
use push_core::memory::MemoryStore;
use push_core::store::{Committed, Counts, Kind, Loaded, Page, RegistrationStore};
use push_tests::store::random::{Question, Questions};

#[derive(Debug, PartialEq)]
enum Answer {
    Load(Loaded),
    Commit(Vec<Committed>),
    Page(Page),
    RemoveDomain(u64),
    Counts(Counts),
}

async fn answer(store: &dyn RegistrationStore, question: &Question) -> Answer {
    match question {
        Question::Load(owners) => Answer::Load(store.load(owners).await.unwrap()),
        Question::Commit(changes) => Answer::Commit(store.commit(changes).await.unwrap()),
        Question::Page(after, limit) => {
            let page = store.page(Kind::Registrations, after.as_ref(), *limit);
            Answer::Page(page.await.unwrap())
        }
        Question::Counts => Answer::Counts(store.counts().await.unwrap()),
        Question::RemoveDomain(of) => {
            Answer::RemoveDomain(store.remove_domain(of.domain()).await.unwrap())
        }
    }
}

#[tokio::test]
async fn every_sequence_is_answered_as_the_memory_store_does() {
    let everything = Question::Page(None, 1000);
    for seed in 0..12 {
        let (store, model) = (fresh().await, MemoryStore::new());
        let questions = Questions::new(seed).take(store.often(200));
        for (step, question) in questions.enumerate() {
            let got = answer(&*store, &question).await;
            let expected = answer(&model, &question).await;
            assert_eq!(got, expected, "seed {seed} step {step}: {question:?}");
        }
        let (got, expected) = (answer(&*store, &everything), answer(&model, &everything));
        assert_eq!(got.await, expected.await, "seed {seed}");
    }
}
