//! TLS with a real server.

use push_core::store::StoreError;
use push_store_postgres::{PostgresConfig, open};
use push_tests::database::postgres::{Cluster, Settings};

#[tokio::test]
async fn what_is_not_verified_is_not_trusted() {
    let settings = Settings {
        tls: true,
        ..Settings::default()
    };
    let cluster = Cluster::start(settings).await.unwrap();
    let certificates = cluster.certificates().unwrap();
    let database = cluster.fresh_database().await.unwrap();
    let owner = database.create_owner("hunter2").await.unwrap();
    let url = database.url_of(&owner);
    let authority = certificates.authority.display();
    let stranger = certificates.stranger.display();

    for mode in ["require", "verify-ca", "verify-full"] {
        let url = format!("{url}?sslmode={mode}&sslrootcert={authority}");
        open(&PostgresConfig::new(url)).await.unwrap();
    }
    let in_settings = PostgresConfig {
        ca_file: Some(certificates.authority.clone()),
        ..PostgresConfig::new(format!("{url}?sslmode=require&channel_binding=require"))
    };
    open(&in_settings).await.unwrap();

    let by_address = url.replace("localhost", "127.0.0.1");
    for untrusted in [
        format!("{url}?sslmode=require&sslrootcert={stranger}"),
        // By the system's authorities.
        format!("{url}?sslmode=require"),
        format!("{by_address}?sslmode=require&sslrootcert={authority}"),
    ] {
        let error = open(&PostgresConfig::new(&untrusted)).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Refused { reason } if reason.contains("certificate")),
            "{untrusted}: {error}"
        );
    }

    // This role may not connect in plain text: the server's word, not ours.
    let error = open(&PostgresConfig::new(url)).await.unwrap_err();
    assert!(matches!(error, StoreError::Unauthorized { .. }), "{error}");
}

#[tokio::test]
async fn a_server_without_tls_is_not_talked_to_where_it_is_wanted() {
    let database = Cluster::shared()
        .await
        .unwrap()
        .fresh_database()
        .await
        .unwrap();
    let url = format!("{}?sslmode=require", database.url());
    let error = open(&PostgresConfig::new(url)).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Refused { reason } if reason.contains("TLS")),
        "{error}"
    );
}
