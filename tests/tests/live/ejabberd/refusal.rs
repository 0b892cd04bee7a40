//! The adapter does not start beside the server's own push module.

use push_tests::live::Result;
use push_tests::live::ejabberd::{Ejabberd, EjabberdConfig};
use push_tests::live::slot::Slots;
use push_tests::live::stage::{Script, Stage};

use super::config;

/// ejabberd does not come up with a module that does not start.
#[tokio::test]
async fn beside_mod_push_it_says_what_to_change() {
    let config = EjabberdConfig {
        push: true,
        ..config(1)
    };
    let refused = Ejabberd::start(config).await.unwrap_err().to_string();
    let reason = "remove mod_push and mod_push_keepalive from 'modules'";
    assert!(refused.contains(reason), "{refused}");
}

/// Brought in by a reload, it does start. The requests stay the adapter's, and the log says what to change.
#[tokio::test]
async fn a_reload_that_brings_mod_push_is_told_and_changes_nothing() -> Result<()> {
    let mut server = Ejabberd::start(config(1)).await?;
    let lease = Slots::new(0, 1).lease().await?;
    let stage = Stage::set(lease, (&server).into(), Script::default()).await?;
    server.config.push = true;
    server.reload_config().await?;
    let log = server.process()?.log_since(0)?;
    assert!(log.contains("mod_push would push beside it"), "{log}");
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    writer.session.chat(&alice.jid, "hello").await?;
    stage.push.receives(1).await?;
    stage.push.stays_at(1).await
}
