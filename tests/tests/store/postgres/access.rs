//! What keeps a program out, each told apart from the others.

use super::{config, store};
use push_core::store::{RegistrationStore, StoreError};
use push_store_postgres::{PostgresConfig, PostgresStore, open};
use push_tests::database::postgres::{Cluster, Role, Settings, fresh_database};
use push_tests::server::ports::free_port;
use push_tests::store::{enable, registration, registrations};

const ALICE: &str = "alice@example.org";

/// Why the store does not open.
async fn refusal(url: String) -> StoreError {
    let error = open(&PostgresConfig::new(url)).await.unwrap_err();
    assert!(!format!("{error:?}").contains("hunter2"), "{error}");
    error
}

#[tokio::test]
async fn a_password_lets_in_and_another_does_not() {
    let database = fresh_database().await.unwrap();
    let owner = database.create_owner("hunter2:/@%ä").await.unwrap();
    open(&PostgresConfig::new(database.url_of(&owner)))
        .await
        .unwrap();
    let wrong = Role {
        password: "hunter20".into(),
        ..owner.clone()
    };
    let unknown = Role {
        name: "nobody".into(),
        ..owner.clone()
    };
    for role in [wrong, unknown] {
        let error = refusal(database.url_of(&role)).await;
        let reason = match &error {
            StoreError::Unauthorized { reason } => reason,
            other => panic!("{other}"),
        };
        assert!(reason.contains(&role.name), "{reason}");
    }
}

#[tokio::test]
async fn no_password_where_one_is_asked_for_is_no_access() {
    let database = fresh_database().await.unwrap();
    let owner = database.create_owner("hunter2").await.unwrap();
    let url = database.url_of(&owner).replace(":hunter2@", "@");
    let error = refusal(url).await;
    assert!(matches!(error, StoreError::Unauthorized { .. }), "{error}");
}

#[tokio::test]
async fn nobody_listening_is_unavailable() {
    let database = fresh_database().await.unwrap();
    let nowhere = database.at(free_port().unwrap());
    let error = refusal(nowhere.url()).await;
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    let error =
        refusal("postgres://push:hunter2@nowhere.invalid/push?sslmode=disable".into()).await;
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
}

#[tokio::test]
async fn an_unknown_database_is_refused() {
    let database = fresh_database().await.unwrap();
    let error = refusal(format!("{}_not", database.url())).await;
    assert!(
        matches!(&error, StoreError::Refused { reason } if reason.contains("createdb")),
        "{error}"
    );
}

#[tokio::test]
async fn too_many_connections_are_unavailable() {
    let settings = Settings {
        max_connections: 5,
        ..Settings::default()
    };
    let cluster = Cluster::start(settings).await.unwrap();
    let database = cluster.fresh_database().await.unwrap();
    let owner = database.create_owner("hunter2").await.unwrap();
    let limit = format!("ALTER ROLE {} CONNECTION LIMIT 0", owner.name);
    database.execute(&limit).await.unwrap();
    let error = refusal(database.url_of(&owner)).await;
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
}

#[tokio::test]
async fn who_may_create_nothing_is_told_what_to_ask_for() {
    let database = fresh_database().await.unwrap();
    let role = database.create_owner("hunter2").await.unwrap();
    let take = format!(
        "ALTER DATABASE {} OWNER TO operator; REVOKE ALL ON SCHEMA public FROM public",
        database.name()
    );
    database.execute(&take).await.unwrap();
    // It may not even look into the schema, then not create in it.
    for grant in ["SELECT 1", "GRANT USAGE ON SCHEMA public TO public"] {
        database.execute(grant).await.unwrap();
        let error = refusal(database.url_of(&role)).await;
        assert!(
            matches!(&error, StoreError::Refused { reason } if reason.contains("create tables")),
            "{error}"
        );
    }
}

/// The operator makes the tables; the service may only use them.
#[tokio::test]
async fn who_may_only_use_the_tables_can_use_them() {
    let (database, _) = store().await;
    let role = database.create_owner("hunter2").await.unwrap();
    let name = &role.name;
    let take = format!(
        "ALTER DATABASE {name} OWNER TO operator; REVOKE ALL ON SCHEMA public FROM public;
         GRANT USAGE ON SCHEMA public TO {name}"
    );
    database.execute(&take).await.unwrap();
    let url = database.url_of(&role);
    let error = refusal(url.clone()).await;
    assert!(
        matches!(&error, StoreError::Refused { reason } if reason.contains("GRANT")),
        "{error}"
    );
    let grant = format!(
        "GRANT SELECT ON xmpp_push_schema TO {name};
         GRANT SELECT, INSERT, UPDATE ON registration, lease TO {name}"
    );
    database.execute(&grant).await.unwrap();
    let error = refusal(url.clone()).await;
    let missing = "DELETE on registration, DELETE on lease";
    assert!(
        matches!(&error, StoreError::Refused { reason } if reason.contains(missing)),
        "{error}"
    );
    let grant = format!("GRANT DELETE ON registration, lease TO {name}");
    database.execute(&grant).await.unwrap();
    let store = open(&PostgresConfig::new(url)).await.unwrap();
    let have = registration("push.example.net", "n", 1);
    store.commit(&[enable(ALICE, &have)]).await.unwrap();
    assert_eq!(registrations(&store, ALICE).await, [have]);
}

/// Servers speak many languages; what is the matter is looked at, not read from what they say.
#[tokio::test]
async fn a_right_that_is_lost_later_is_told_as_such() {
    let (database, _) = store().await;
    let role = database.create_owner("hunter2").await.unwrap();
    let name = &role.name;
    let grant = format!(
        "GRANT SELECT ON xmpp_push_schema TO {name}; GRANT ALL ON registration, lease TO {name}"
    );
    database.execute(&grant).await.unwrap();
    let store = PostgresStore::new(&PostgresConfig::new(database.url_of(&role))).unwrap();
    assert_eq!(registrations(&store, ALICE).await, []);
    let revoke = format!("REVOKE INSERT ON registration FROM {name}");
    database.execute(&revoke).await.unwrap();
    let change = enable(ALICE, &registration("push.example.net", "n", 1));
    let error = store.commit(&[change]).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Refused { reason } if reason.contains("INSERT on registration")),
        "{error}"
    );
}

/// As after a fail-over that has made a replica of the server.
#[tokio::test]
async fn a_database_that_takes_no_writes_is_unavailable_until_it_does() {
    let database = fresh_database().await.unwrap();
    let role = database.create_owner("hunter2").await.unwrap();
    let store = open(&PostgresConfig::new(database.url_of(&role)))
        .await
        .unwrap();
    let read_only = |value| {
        let name = &role.name;
        format!("ALTER ROLE {name} SET default_transaction_read_only = {value}")
    };
    database.execute(&read_only("on")).await.unwrap();
    database.terminate_connections().await.unwrap();
    let change = [enable(ALICE, &registration("push.example.net", "n", 1))];
    let error = store.commit(&change).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Unavailable { reason } if reason.contains("takes no writes")),
        "{error}"
    );
    assert_eq!(registrations(&store, ALICE).await, []);
    database.execute(&read_only("off")).await.unwrap();
    // Not by the connection that has just been used for reading.
    store.commit(&change).await.unwrap();
}

#[tokio::test]
async fn another_encoding_is_refused() {
    let database = fresh_database().await.unwrap();
    let other = format!("{}_latin", database.name());
    let create = format!("CREATE DATABASE {other} ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'");
    database.execute(&create).await.unwrap();
    let error = refusal(config(&database).url.replace(database.name(), &other)).await;
    assert!(
        matches!(&error, StoreError::Refused { reason } if reason.contains("UTF8")),
        "{error}"
    );
}
