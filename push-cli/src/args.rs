//! The command line.

use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// XMPP push notifications (XEP-0357) as a component beside any XMPP server.
#[derive(Debug, Parser)]
#[command(name = "xmpp-push", version, about)]
pub(crate) struct Args {
    /// The configuration.
    #[arg(
        short,
        long,
        global = true,
        default_value = "/etc/xmpp-push/xmpp-push.toml",
        value_name = "FILE"
    )]
    pub(crate) config: PathBuf,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run until SIGTERM or SIGINT; the first lets what is in work end, the second stops at once.
    Run,
    /// Read the configuration, open the store, connect, and say what the server grants and what to change.
    Check {
        /// One JSON object in place of lines.
        #[arg(long)]
        json: bool,
        /// Connect although another instance may be running, which a second stream would disturb.
        #[arg(long)]
        connect: bool,
    },
    /// Bring the database to the version of this program, as the service does by itself where it may.
    Migrate,
}
