//! Databases that do not let the program in, or are of another version.

use super::{age, fresh_database, wrong_password};
use push_tests::live::program::{Ended, run};
use push_tests::live::service::ServiceConfig;
use push_tests::live::slot::Slot;
use push_tests::live::{Failure, Result};
use std::time::Duration;
use tokio::time::timeout;

/// What does not pass is told at once; the machine may be busy.
const SOON: Duration = Duration::from_secs(20);

const WRONG: &str = "nobody-may-see";

async fn ends(command: &str, store: &str, more: &str) -> Result<Ended> {
    let config = ServiceConfig {
        store: store.to_owned(),
        more: more.to_owned(),
        ..ServiceConfig::new(&[Slot::new(0)], 1)
    };
    let ended = timeout(SOON, run(&[command], &config)).await;
    ended.unwrap_or_else(|_| Err(Failure::new(format!("{command} goes on"))))
}

#[tokio::test]
async fn with_a_wrong_password_nothing_starts() -> Result<()> {
    let (store, _server) = wrong_password(WRONG).await?;
    for (command, more) in [
        ("run", ""),
        ("run", "[lease]\nenabled = true"),
        ("migrate", ""),
        ("check", ""),
    ] {
        let Ended { code, printed } = ends(command, &store, more).await?;
        assert_eq!(code, Some(69), "{command}: {printed}");
        assert!(printed.contains("store denies access"), "{printed}");
        assert!(!printed.contains(WRONG), "{printed}");
    }
    Ok(())
}

#[tokio::test]
async fn a_database_is_set_up_once_and_one_of_a_later_version_is_left_alone() -> Result<()> {
    let database = fresh_database().await?;
    for said in ["set up at version", "already"] {
        let Ended { code, printed } = ends("migrate", &database.section(), "").await?;
        assert_eq!(code, Some(0), "{printed}");
        assert!(printed.contains(said), "{printed}");
    }
    age(&database).await?;
    for (command, more) in [
        ("migrate", ""),
        ("run", ""),
        ("run", "[lease]\nenabled = true"),
        ("check", ""),
    ] {
        let Ended { code, printed } = ends(command, &database.section(), more).await?;
        assert_eq!(code, Some(69), "{command}: {printed}");
        let other = "store of another version";
        assert!(printed.contains(other), "{command}: {printed}");
        assert!(printed.contains("99"), "{command}: {printed}");
    }
    Ok(())
}
