//! The adapter with a fault in everything that a message or a session passes through.

use push_tests::live::Result;
use push_tests::live::home::overlay;
use tempfile::TempDir;

/// Files to compile over the adapter's own.
pub(super) fn adapter() -> Result<TempDir> {
    overlay(
        "adapters/ejabberd",
        "src/mod_xmpp_push_feed.erl",
        &[(
            "hook(Hook, Acc, Host, Body) ->",
            "\n    ?ERROR_MSG(\"a fault is injected\", []),\n    error(injected),",
        )],
    )
}
