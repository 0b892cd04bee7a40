//! Registrations carried from store to store.

use push_core::registration::PublishOptions;
use push_core::store::{Kind, RegistrationStore};
use push_core::{BareJid, Registration};
use push_store_sqlite::{SqliteConfig, SqliteStore, open};
use push_tests::database::{mongo, postgres, sqlite};
use push_tests::live::program::{Ended, run};
use push_tests::live::service::ServiceConfig;
use push_tests::live::slot::Slot;
use push_tests::live::{Failure, Result};
use push_tests::store::{enable, registration, settle, status};
use std::path::Path;
use tempfile::TempDir;

/// Some of each status, with options that a careless carrier would spoil.
async fn fill(store: &SqliteStore) -> Result<()> {
    let mut changes = Vec::new();
    for number in 0..120 {
        let owner = format!("u{}@example.org", number / 2);
        let have = Registration {
            options: PublishOptions::new(vec![
                ("secret".into(), format!("hunter{number}")),
                ("\u{1F600}\"\\".into(), " \r\n\t".into()),
                (String::new(), "$a.b".into()),
            ]),
            ..registration("push.example.net", &format!("n{number}"), 7 + number)
        };
        changes.push(enable(&owner, &have));
        let status = status(u32::try_from(number).unwrap_or_default());
        changes.push(settle(&owner, &have.target, 7 + number, status));
    }
    store.commit(&changes).await.map_err(fault)?;
    Ok(())
}

async fn all(store: &SqliteStore) -> Result<Vec<(BareJid, Registration)>> {
    let page = store.page(Kind::Registrations, None, 1000).await;
    Ok(page.map_err(fault)?.entries)
}

fn fault(error: impl std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}

async fn goes(words: &[&str], store: &str, more: &str) -> Result<String> {
    let config = ServiceConfig {
        store: store.to_owned(),
        more: more.to_owned(),
        ..ServiceConfig::new(&[Slot::new(0)], 1)
    };
    let Ended { code, printed } = run(words, &config).await?;
    if code == Some(0) {
        return Ok(printed);
    }
    Err(Failure::new(format!(
        "{words:?} ended with {code:?}: {printed}"
    )))
}

/// A key in a file, as a section of the configuration.
fn key(folder: &Path) -> Result<String> {
    let file = folder.join("key");
    std::fs::write(&file, "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n")?;
    Ok(format!(
        "[store.encryption]\nkey_files = [\"{}\"]\n",
        file.display()
    ))
}

#[tokio::test]
async fn from_sqlite_to_postgres_to_mongo_and_back_nothing_is_lost_or_changed() -> Result<()> {
    let folder = TempDir::new()?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let first = open(SqliteConfig::new(path("first.db"))).map_err(fault)?;
    fill(&first).await?;
    let sealing = key(folder.path())?;
    let (postgres, mongo) = (
        postgres::fresh_database().await?,
        mongo::fresh_database().await?,
    );
    let last = sqlite::fresh_database().await?;
    let stations = [
        (format!("url = \"{}\"", path("first.db")), ""),
        (postgres.section(), sealing.as_str()),
        (mongo.section(), ""),
        (last.section(), sealing.as_str()),
    ];
    for (number, pair) in stations.windows(2).enumerate() {
        let file = path(&format!("{number}.jsonl"));
        let [(from, from_more), (to, to_more)] = pair else {
            continue;
        };
        goes(&["registrations", "export", "-o", &file], from, from_more).await?;
        // A second time changes nothing.
        for _ in 0..2 {
            goes(&["registrations", "import", &file], to, to_more).await?;
        }
        let counted = goes(&["registrations", "count", "--json"], to, to_more).await?;
        assert!(counted.contains("120"), "{counted}");
    }
    let sealed =
        postgres.execute("SELECT count(*) FROM registration WHERE document LIKE '%hunter%'");
    assert_eq!(sealed.await?, "0", "secrets in the clear");
    goes(
        &["registrations", "export", "-o", &path("last.jsonl")],
        &last.section(),
        &sealing,
    )
    .await?;
    let again = format!("url = \"{}\"", path("again.db"));
    goes(
        &["registrations", "import", &path("last.jsonl")],
        &again,
        "",
    )
    .await?;
    let again = open(SqliteConfig::new(path("again.db"))).map_err(fault)?;
    let (before, after) = (all(&first).await?, all(&again).await?);
    assert_eq!(before.len(), 120);
    assert_eq!(after, before);
    Ok(())
}
