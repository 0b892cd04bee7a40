//! The adapter's start beside a service that is there already.

use push_tests::live::Result;
use push_tests::live::ejabberd::{Ejabberd, EjabberdConfig};
use push_tests::live::home::overlay;
use push_tests::live::slot::Slots;
use push_tests::live::stage::{Script, Stage};

use super::config;

/// A service that answers while the adapter is not deaf any more need not ask again.
#[tokio::test]
async fn the_service_is_heard_as_soon_as_it_is_asked() -> Result<()> {
    let slow = overlay(
        "adapters/ejabberd",
        "src/mod_xmpp_push.erl",
        &[("hook_up(Host) ->", "timer:sleep(300),")],
    )?;
    let server = Ejabberd::start(EjabberdConfig {
        modules: vec![slow.path().to_owned()],
        ..config(1)
    })
    .await?;
    let lease = Slots::new(0, 1).lease().await?;
    let stage = Stage::set(lease, (&server).into(), Script::default()).await?;
    let writer = stage.writer().await?;
    writer.settled().await?;
    let from = stage.service.process()?.log_size()?;
    let host = stage.slot().host();
    server.restart_module("mod_xmpp_push", &host).await?;
    stage.service.logs(from, "adapter attached").await?;
    let log = stage.service.process()?.log_since(from)?;
    assert!(!log.contains("no adapter at this host"), "{log}");
    Ok(())
}
