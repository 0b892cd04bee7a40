//! What reaches the log with a database's client library in the program.

use super::suite::privacy::{TALKATIVE, nothing_private_is_logged};
use super::{fresh_database, place};
use push_tests::live::Result;
use push_tests::live::service::ServiceConfig;
use push_tests::live::stage::Stage;

#[tokio::test]
async fn no_secret_body_or_node_is_logged_by_the_library_either() -> Result<()> {
    let database = fresh_database().await?;
    let (lease, ports) = place().await?;
    let config = ServiceConfig {
        store: database.section(),
        more: format!("{TALKATIVE}\n[log]\nlevel = \"trace\""),
        ..ServiceConfig::new(&[lease.slot], ports.component)
    };
    nothing_private_is_logged(Stage::with(lease, ports, &config).await?).await
}
