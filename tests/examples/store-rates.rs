//! What the SQLite store takes: `cargo run --release -p push-tests --example store-rates -- FILE [OWNERS]`.
//!
//! Fills FILE with two registrations for each of OWNERS (default 50,000) when it does not exist, then measures. Run it
//! again on the same file for the memory of a process that has not filled it.

use push_core::registration::{PublishOptions, Registration};
use push_core::store::{Change, RegistrationStore, StoreError};
use push_store_sqlite::{SqliteConfig, open};
use push_tests::store::{enable, jid, registration};
use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const MEASURE: Duration = Duration::from_secs(3);

type Store = Arc<dyn RegistrationStore>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("FILE?")?;
    let owners: u64 = arguments
        .next()
        .map_or(Ok(50_000), |owners| owners.parse())?;
    let exists = Path::new(&file).exists();
    let start = Instant::now();
    let store: Store = Arc::new(open(SqliteConfig::new(&file))?);
    say(&format!("open {:?}, {}", start.elapsed(), resident()?))?;
    if !exists {
        fill(&*store, owners).await?;
        say(&format!("filled in {:?}", start.elapsed()))?;
    }
    for callers in [1, 8, 32, 200] {
        measure("load", &store, callers, owners, load).await?;
    }
    for callers in [1, 8, 32, 200] {
        measure("durable enable", &store, callers, owners, replace).await?;
    }
    let start = Instant::now();
    drop(store);
    say(&format!("closed in {:?}", start.elapsed()))
}

fn owner(index: u64) -> String {
    format!("user{index}@example.org")
}

/// Of the size that phones' registrations have.
fn device(device: u64, revision: u64) -> Registration {
    let secret = format!("{revision:064x}");
    Registration {
        options: PublishOptions::new(vec![("secret".into(), secret)]),
        ..registration("push.example.net", &format!("{device:032x}"), revision)
    }
}

async fn fill(store: &dyn RegistrationStore, owners: u64) -> Result<(), StoreError> {
    for first in (0..owners).step_by(5_000) {
        let changes: Vec<Change> = (first..owners.min(first + 5_000))
            .flat_map(|index| [0, 1].map(|at| enable(&owner(index), &device(at, 1))))
            .collect();
        store.commit(&changes).await?;
    }
    Ok(())
}

async fn load(store: Store, index: u64) -> Result<(), StoreError> {
    store.load(&[jid(&owner(index))]).await.map(drop)
}

async fn replace(store: Store, index: u64) -> Result<(), StoreError> {
    let change = enable(&owner(index), &device(index % 2, index));
    store.commit(&[change]).await.map(drop)
}

/// `callers` ask one after the other, each about owners all over the file.
async fn measure<F>(
    what: &str,
    store: &Store,
    callers: u64,
    owners: u64,
    ask: fn(Store, u64) -> F,
) -> Result<(), Box<dyn Error>>
where
    F: Future<Output = Result<(), StoreError>> + Send + 'static,
{
    let end = Instant::now() + MEASURE;
    let calls: Vec<_> = (0..callers)
        .map(|caller| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let mut index = caller;
                let mut took = Vec::new();
                while Instant::now() < end {
                    // Weyl's sequence: spread, and no random numbers to pay for.
                    index = index.wrapping_add(0x9E37_79B9_7F4A_7C15);
                    let start = Instant::now();
                    ask(Arc::clone(&store), index % owners).await?;
                    took.push(start.elapsed());
                }
                Ok::<_, StoreError>(took)
            })
        })
        .collect();
    let mut took = Vec::new();
    for call in calls {
        took.extend(call.await??);
    }
    took.sort_unstable();
    let rate = took.len() as u64 / MEASURE.as_secs();
    let (p50, p99) = (took[took.len() / 2], took[took.len() * 99 / 100]);
    let memory = resident()?;
    say(&format!(
        "{what}, {callers} callers: {rate}/s, p50 {p50:?}, p99 {p99:?}, {memory}"
    ))
}

fn resident() -> io::Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    Ok(line
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" "))
}

fn say(line: &str) -> Result<(), Box<dyn Error>> {
    Ok(writeln!(io::stdout().lock(), "{line}")?)
}
