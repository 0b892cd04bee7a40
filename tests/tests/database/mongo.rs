use mongodb::bson::{Document, doc};
use push_tests::database::mongo::{Database, Server, Settings, fresh_database};
use push_tests::server::{Failure, Result};

async fn insert(database: &Database) -> std::result::Result<(), mongodb::error::Error> {
    let connected = database.connect().await.unwrap();
    let things = connected.collection::<Document>("things");
    things.insert_one(doc! { "n": 1 }).await.map(drop)
}

async fn count(database: &Database) -> Result<u64> {
    let things = database.connect().await?.collection::<Document>("things");
    things
        .count_documents(doc! {})
        .await
        .map_err(|error| Failure::new(error.to_string()))
}

#[tokio::test]
async fn two_databases_of_the_shared_server_do_not_see_each_other() -> Result<()> {
    let (one, other) = (fresh_database().await?, fresh_database().await?);
    insert(&one).await.unwrap();
    assert_eq!((count(&one).await?, count(&other).await?), (1, 0));
    Ok(())
}

#[tokio::test]
async fn what_is_written_survives_a_stop_and_a_kill() -> Result<()> {
    let mut server = Server::own().await?;
    let database = server.fresh_database();
    insert(&database).await.unwrap();
    server.restart().await?;
    insert(&database).await.unwrap();
    server.kill()?;
    server.start_again().await?;
    assert_eq!(count(&database).await?, 2);
    Ok(())
}

#[tokio::test]
async fn password_and_tls() -> Result<()> {
    let settings = Settings {
        password: Some("p@ss".into()),
        tls: true,
        ..Settings::default()
    };
    let server = Server::start(settings).await?;
    insert(&server.fresh_database()).await.unwrap();
    Ok(())
}
