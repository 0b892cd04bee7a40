//! The reference.

#[path = "suite.rs"]
mod suite;

use push_core::memory::MemoryStore;
use push_tests::store::Fresh;

async fn fresh() -> Fresh {
    Fresh::new(MemoryStore::new(), ())
}
