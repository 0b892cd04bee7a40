//! The adapter does not start beside the server's own push module.

use push_tests::live::Result;
use push_tests::live::ejabberd::{Ejabberd, EjabberdConfig};

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

/// One that is reloaded into this state is told, and the module keeps the requests.
#[tokio::test]
async fn a_reload_that_brings_mod_push_is_told() -> Result<()> {
    let mut server = Ejabberd::start(config(1)).await?;
    server.config.push = true;
    server.reload_config().await?;
    let log = server.process()?.log_since(0)?;
    assert!(log.contains("mod_push would push beside it"), "{log}");
    Ok(())
}
