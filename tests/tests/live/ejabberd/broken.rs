//! The adapter with a fault in everything that a message or a session passes through.

use push_tests::live::Result;
use push_tests::live::home::overlay;
use tempfile::TempDir;

/// What it then logs.
pub(super) const FAULT: &str = "mod_xmpp_push: error while handling";

/// Files to compile over the adapter's own.
pub(super) fn adapter() -> Result<TempDir> {
    overlay(
        "adapters/ejabberd",
        "src/mod_xmpp_push_feed.erl",
        &[(
            "mod_xmpp_push_guard:effect(Hook, Acc,\n                               fun() ->",
            "error(injected),",
        )],
    )
}
