//! The adapter does not start beside the server's own push module.

use push_tests::live::Result;
use push_tests::live::prosody::Prosody;
use push_tests::live::puppet::{PATIENCE, PushRequest};
use push_tests::live::slot::Slot;
use push_tests::live::stage::Client;

use super::config;

#[tokio::test]
async fn beside_cloud_notify_it_says_what_to_change() -> Result<()> {
    let mut config = config(1);
    config.host_modules = vec!["cloud_notify".to_owned()];
    let server = Prosody::start(config).await?;
    let reason = "remove \"cloud_notify\" from modules_enabled";
    server.process()?.wait_for_log(0, reason, PATIENCE).await?;
    // The server's own module is the one that answers.
    let alice =
        Client::registering(&Slot::new(0).user("alice"), "phone", server.ports().c2s).await?;
    let request = PushRequest {
        service: Some("app0.test"),
        node: Some("n"),
        ..PushRequest::default()
    };
    alice.session.enable(&request).await?;
    Ok(())
}
