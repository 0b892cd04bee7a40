//! `xmpp-push check` with a database that several instances may use: it opens no second stream.

use super::fresh_database;
use push_tests::live::Result;
use push_tests::live::ports::free_port;
use push_tests::live::program::{Ended, run};
use push_tests::live::proxy::Proxy;
use push_tests::live::service::{Service, ServiceConfig};
use push_tests::live::slot::Slot;

const LEASE: &str = "[lease]\nenabled = true\nduration = \"2s\"";

/// The way to a server that is not there: it shows who wanted to go it.
async fn way() -> Result<Proxy> {
    Proxy::start(free_port()?).await
}

fn config(way: &Proxy, store: String, more: &str) -> ServiceConfig {
    ServiceConfig {
        store,
        more: more.to_owned(),
        ready: "holding the lease",
        ..ServiceConfig::new(&[Slot::new(0)], way.port())
    }
}

#[tokio::test]
async fn without_a_lease_it_connects_only_when_told_to() -> Result<()> {
    let (way, database) = (way().await?, fresh_database().await?);
    let config = config(&way, database.section(), "");
    let Ended { code, printed } = run(&["check"], &config).await?;
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains(" opens"), "{printed}");
    assert!(printed.contains("pass --connect"), "{printed}");
    assert_eq!(way.connections(), 0);
    let Ended { code, printed } = run(&["check", "--connect"], &config).await?;
    assert_eq!(code, Some(69), "{printed}");
    assert!(printed.contains("FAIL  server"), "{printed}");
    assert!(way.connections() > 0);
    Ok(())
}

#[tokio::test]
async fn it_leaves_the_server_alone_while_another_holds_the_lease() -> Result<()> {
    let (way, theirs) = (way().await?, way().await?);
    let database = fresh_database().await?;
    let mut holder = Service::start(&config(&theirs, database.section(), LEASE)).await?;
    let config = config(&way, database.section(), LEASE);
    for words in [["check"].as_slice(), &["check", "--connect"]] {
        let Ended { code, printed } = run(words, &config).await?;
        assert_eq!(code, Some(0), "{printed}");
        let held = "another instance holds the lease";
        assert!(printed.contains(held), "{printed}");
    }
    assert_eq!(way.connections(), 0);
    holder.stop().await?;
    let Ended { code, printed } = run(&["check"], &config).await?;
    assert_eq!(code, Some(69), "{printed}");
    assert!(way.connections() > 0, "{printed}");
    // It has given the lease back.
    holder.start_again().await
}

#[tokio::test]
async fn a_database_that_is_away_is_told_with_what_to_do() -> Result<()> {
    let (way, database) = (way().await?, fresh_database().await?);
    let store = database.at(free_port()?).section();
    let pool = "[store.pool]\nwait_timeout = \"1s\"\nconnect_timeout = \"1s\"\n";
    for more in [pool.to_owned(), format!("{pool}{LEASE}")] {
        let config = config(&way, store.clone(), &more);
        let Ended { code, printed } = run(&["check", "--connect"], &config).await?;
        assert_eq!(code, Some(69), "{printed}");
        assert!(printed.contains("store unavailable"), "{printed}");
        assert!(printed.contains("see that it runs"), "{printed}");
        assert_eq!(way.connections(), 0);
    }
    Ok(())
}
