//! A process with an SQLite store, for tests that kill it, take its rights or fill its disk.
//!
//! Reads commands from stdin, a line each, and answers each with a line; ends with its stdin, hence with its parent.
//!
//! * `open PATH`
//! * `enable OWNER NODE` · `load OWNER`
//! * `churn ROUND`: changes for ever, and prints `TASK STEP` for each one acknowledged.

use push_core::store::{RegistrationStore, StoreError};
use push_store_sqlite::{SqliteConfig, SqliteStore, open};
use push_tests::store::{churn, enable, jid, registration};
use std::io::{self, BufRead, Read, Write};
use std::sync::Arc;
use std::time::Duration;

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut store = None;
    while let Some(line) = io::stdin().lock().lines().next().transpose()? {
        let words: Vec<_> = line.split(' ').collect();
        let answer = match (words.as_slice(), &store) {
            (["open", path], _) => attach(path).map(|opened| {
                store = Some(Arc::new(opened));
                "opened".to_owned()
            }),
            (["enable", owner, node], Some(store)) => {
                let changes = [enable(owner, &registration("push.example.net", node, 1))];
                store.commit(&changes).await.map(|_| "enabled".to_owned())
            }
            (["load", owner], Some(store)) => store
                .load(&[jid(owner)])
                .await
                .map(|loaded| loaded.accounts[0].registrations.len().to_string()),
            (["churn", round], Some(store)) => {
                return churn_for_ever(store, round.parse().unwrap_or_default()).await;
            }
            _ => return Err(io::Error::other(format!("what is {line:?}?"))),
        };
        say(&answer.unwrap_or_else(|error| error.to_string()))?;
    }
    Ok(())
}

fn attach(path: &str) -> Result<SqliteStore, StoreError> {
    open(SqliteConfig {
        busy_timeout: Duration::from_millis(500),
        ..SqliteConfig::new(path)
    })
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

async fn churn_for_ever(store: &Arc<SqliteStore>, round: u64) -> io::Result<()> {
    for task in 0..churn::TASKS {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            let mut step = 0;
            while store
                .commit(&[churn::change(round, task, step)])
                .await
                .is_ok()
            {
                say(&format!("{task} {step}"))?;
                step += 1;
            }
            io::Result::Ok(())
        });
    }
    tokio::task::spawn_blocking(|| io::stdin().lock().read_to_end(&mut Vec::new())).await??;
    Ok(())
}
