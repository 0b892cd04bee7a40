//! The adapter with a fault in everything that a message or a session passes through.

use push_tests::live::Result;
use push_tests::live::home::overlay;
use tempfile::TempDir;

/// What it then logs.
pub(super) const FAULT: &str = "A fault while handling";

const INJECTED: &str = "error(\"injected\");";

/// Files to install over the adapter's own.
pub(super) fn adapter() -> Result<TempDir> {
    overlay(
        "adapters/prosody",
        "mod_xmpp_push/feed.lib.lua",
        &[
            (
                "local function tell(self, shard, kind, user, resource, message, stanza_id)",
                INJECTED,
            ),
            ("local function unacknowledged(self, event)", INJECTED),
            ("local function session_is_back(self, session)", INJECTED),
            (
                "local withdraw = self.guard.wrap(\"presence\", function (session)",
                INJECTED,
            ),
        ],
    )
}
