//! Getting in: what keeps the program out is told apart, and no password is told.

use super::{config, impatient};
use push_core::store::StoreError;
use push_store_mongo::{MongoConfig, open};
use push_tests::database::mongo::{Server, Settings, fresh_database};
use push_tests::server::ports::free_port;

const PASSWORD: &str = "hunter2";

async fn refusal(uri: &str) -> StoreError {
    let config = MongoConfig {
        uri: uri.to_owned(),
        ..impatient(&fresh_database().await.unwrap())
    };
    let error = open(config).await.unwrap_err();
    assert!(!error.to_string().contains(PASSWORD), "{error}");
    error
}

#[tokio::test]
async fn the_right_password_and_a_trusted_certificate_let_in() {
    let server = Server::start(Settings {
        password: Some(PASSWORD.to_owned()),
        tls: true,
        ..Settings::default()
    });
    let server = server.await.unwrap();
    let database = server.fresh_database();
    open(config(&database)).await.unwrap();

    let url = database.url();
    let wrong = refusal(&url.replace(PASSWORD, "hunter3")).await;
    assert!(matches!(wrong, StoreError::Unauthorized { .. }), "{wrong}");
    let nobody = refusal(&url.replace("operator", "nobody")).await;
    assert!(
        matches!(nobody, StoreError::Unauthorized { .. }),
        "{nobody}"
    );
    let none = refusal(&url.replace(&format!("operator:{PASSWORD}@"), "")).await;
    assert!(matches!(none, StoreError::Unauthorized { .. }), "{none}");

    let certificates = server.certificates().unwrap();
    let name = |path: &std::path::Path| path.display().to_string();
    let (trusted, stranger) = (name(&certificates.authority), name(&certificates.stranger));
    for distrusted in [
        url.replace(&trusted, &stranger),
        url.replace("localhost", "127.0.0.1"),
    ] {
        let error = refusal(&distrusted).await;
        assert!(
            matches!(&error, StoreError::Unavailable { reason } if reason.contains("certificate")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_and_named() {
    let port = free_port().unwrap();
    let error = refusal(&format!("mongodb://push:{PASSWORD}@127.0.0.1:{port}/push")).await;
    let place = format!("127.0.0.1:{port}");
    assert!(
        matches!(&error, StoreError::Unavailable { reason } if reason.contains(&place)),
        "{error}"
    );
}

#[tokio::test]
async fn a_uri_that_cannot_be_used_is_refused() {
    for uri in [
        "mongodb://push:hunter2@127.0.0.1",
        "mongodb://push:hunter2@127.0.0.1/",
        "mongodb://push:hunter2@hunter2@127.0.0.1/push",
        "mongodb://push:hunter2/x@127.0.0.1/push",
        "mongodb://push:hunter2?x@127.0.0.1/push",
        "mongodb://push:hunter2#@127.0.0.1:x/push",
        "mongodb://push:hunter2@127.0.0.1/push?connectTimeoutMS=hunter2",
        "mongodb://push:hunter2@127.0.0.1/push?tls=true&tlsCAFile=/nowhere/hunter2",
        "postgres://push:hunter2@127.0.0.1/push",
        "hunter2",
        "",
    ] {
        let error = refusal(uri).await;
        assert!(
            matches!(error, StoreError::Refused { .. }),
            "{uri}: {error}"
        );
    }
}
