//! How long sessions can be resumed (XEP-0198).

use std::time::Duration;

/// The resumption window of the tests' servers, where a test does not say otherwise.
pub const WINDOW: Duration = Duration::from_secs(6);

/// Waits until the sessions that are lost by now cannot be resumed any more.
pub async fn is_over() {
    tokio::time::sleep(WINDOW + Duration::from_secs(2)).await;
}
