//! The adapter with a fault in everything that a message or a session passes through.

use push_tests::live::Result;
use push_tests::live::home::overlay;
use tempfile::TempDir;

const FAULT: &str = "error(\"injected\");";

/// Files to install over the adapter's own.
pub(super) fn adapter() -> Result<TempDir> {
    overlay(
        "adapters/prosody",
        "mod_xmpp_push/feed.lib.lua",
        &[
            (
                "local function miss(self, kind, user, resource, message, stanza_id)",
                FAULT,
            ),
            ("local function unacknowledged(self, event)", FAULT),
            ("local function session_is_back(self, session)", FAULT),
            (
                "local withdraw = self.parts.guard.wrap(\"presence\", function (session)",
                FAULT,
            ),
        ],
    )
}
