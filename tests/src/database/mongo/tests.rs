use mongodb::Client;
use mongodb::error::Error;
use tokio::time::timeout;

use super::*;
use crate::server::proxy::Proxy;

/// More than an answer takes, less than anybody waits for.
const SHORT: Duration = Duration::from_millis(500);

type Answer<T> = std::result::Result<T, Error>;

async fn insert(database: &Database) -> Result<()> {
    let things = database.connect().await?.collection::<Document>("things");
    things.insert_one(doc! { "n": 1 }).await.context("insert")?;
    Ok(())
}

async fn count(database: &Database) -> Result<u64> {
    let things = database.connect().await?.collection::<Document>("things");
    things.count_documents(doc! {}).await.context("count")
}

/// What a client comes to that is told no more than this, and has no patience.
async fn find(url: &str) -> Answer<()> {
    let separator = if url.contains('?') { '&' } else { '?' };
    let client =
        Client::with_uri_str(format!("{url}{separator}serverSelectionTimeoutMS=500")).await?;
    let database = client.default_database().expect("a database in the URL");
    database
        .collection::<Document>("things")
        .find_one(doc! {})
        .await
        .map(drop)
}

#[tokio::test]
async fn two_databases_of_the_shared_server_do_not_see_each_other() -> Result<()> {
    let (one, other) = (fresh_database().await?, fresh_database().await?);
    insert(&one).await?;
    assert_eq!((count(&one).await?, count(&other).await?), (1, 0));
    Ok(())
}

#[tokio::test]
async fn what_is_written_survives_a_stop_and_a_kill() -> Result<()> {
    let mut server = Server::own().await?;
    let database = server.fresh_database();
    insert(&database).await?;
    server.restart().await?;
    insert(&database).await?;
    server.kill()?;
    assert!(find(&database.url()).await.is_err());
    server.start_again().await?;
    assert_eq!(count(&database).await?, 2);
    Ok(())
}

#[tokio::test]
async fn a_halted_server_answers_when_it_goes_on() -> Result<()> {
    let mut server = Server::own().await?;
    let database = server.fresh_database();
    server.pause()?;
    assert!(timeout(SHORT, insert(&database)).await.is_err());
    server.resume()?;
    insert(&database).await
}

#[tokio::test]
async fn who_has_not_the_password_or_does_not_trust_the_server_gets_nothing() -> Result<()> {
    let settings = Settings {
        password: Some("p@ss:w/rd".to_owned()),
        tls: true,
        ..Settings::default()
    };
    let server = Server::start(settings).await?;
    let made = server.certificates().expect("certificates");
    let database = server.fresh_database();
    insert(&database).await?;
    let url = database.url();
    let authority = |path: &std::path::Path| path.display().to_string();
    for (part, other) in [
        ("operator:", "operator:x"),
        ("operator:p%40ss%3Aw%2Frd@", ""),
        (&authority(&made.authority), &authority(&made.stranger)),
        (tls::NAME, "127.0.0.1"),
        ("tls=true", "tls=false"),
    ] {
        assert!(url.contains(part), "{url} has no {part}");
        assert!(
            find(&url.replace(part, other)).await.is_err(),
            "{other} instead of {part}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn clients_reach_a_database_through_a_proxy_and_the_operator_without() -> Result<()> {
    let server = Server::shared().await?;
    let proxy = Proxy::start(server.port()).await?;
    let database = server.fresh_database().at(proxy.port());
    find(&database.url()).await.context("find")?;
    assert!(proxy.connections() > 0);
    proxy.refuse(true);
    assert!(find(&database.url()).await.is_err());
    insert(&database).await
}

#[tokio::test]
async fn faults_can_be_injected() -> Result<()> {
    let settings = Settings {
        fail_points: true,
        ..Settings::default()
    };
    let server = Server::start(settings).await?;
    let fault = doc! { "failCommands": ["insert"], "errorCode": 50 };
    let order = doc! { "configureFailPoint": "failCommand", "mode": { "times": 1 }, "data": fault };
    server
        .admin()
        .await?
        .run_command(order)
        .await
        .context("configureFailPoint")?;
    let database = server.fresh_database();
    assert!(insert(&database).await.is_err());
    insert(&database).await
}

#[tokio::test]
async fn nothing_is_left_in_a_server_of_somebody_else() -> Result<()> {
    let server = Server::shared().await?;
    let guest = Database::guest(unique_name(), server.uri());
    insert(&guest).await?;
    let own = Database::new(guest.name().to_owned(), server.uri());
    assert_eq!(count(&own).await?, 1);
    drop(guest);
    assert_eq!(count(&own).await?, 0);
    Ok(())
}
