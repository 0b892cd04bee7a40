//! Commands of the program, and starts that come to nothing: no XMPP server is needed.

#[path = "program/backend.rs"]
mod backend;

#[cfg(all(feature = "postgres", feature = "mongo"))]
#[path = "program/moving.rs"]
mod moving;

#[cfg(feature = "postgres")]
#[path = "program"]
mod postgres {
    use push_tests::database::postgres::{Database, Role, fresh_database};
    use push_tests::live::Result;

    /// A section `[store]` with a password that is wrong.
    async fn wrong_password(wrong: &str) -> Result<(String, Database)> {
        let database = fresh_database().await?;
        let role = Role {
            password: wrong.to_owned(),
            ..database.create_owner("right").await?
        };
        let url = database.url_of(&role);
        Ok((format!("backend = \"postgres\"\nurl = {url:?}"), database))
    }

    /// As a later release leaves it.
    async fn age(database: &Database) -> Result<()> {
        let later = "INSERT INTO xmpp_push_schema (version) VALUES (99)";
        database.execute(later).await.map(drop)
    }

    mod check;
    mod start;
}

#[cfg(feature = "mongo")]
#[path = "program"]
mod mongo {
    use mongodb::bson::{Document, doc};
    use push_tests::database::mongo::{Database, Server, Settings, fresh_database};
    use push_tests::live::{Failure, Result};

    /// A section `[store]` with a password that is wrong.
    async fn wrong_password(wrong: &str) -> Result<(String, Server)> {
        let settings = Settings {
            password: Some("right".to_owned()),
            ..Settings::default()
        };
        let server = Server::start(settings).await?;
        let section = server.fresh_database().section();
        Ok((section.replace(":right@", &format!(":{wrong}@")), server))
    }

    /// As a later release leaves it.
    async fn age(database: &Database) -> Result<()> {
        let schema = database.connect().await?;
        let later = doc! { "$set": { "version": 99 } };
        let all = schema.collection::<Document>("schema");
        let aged = all.update_many(doc! {}, later).await;
        aged.map_err(|error| Failure::new(error.to_string()))
            .map(drop)
    }

    mod check;
    mod start;
}
