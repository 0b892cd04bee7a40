//! The command line.

use clap::{Args as Arguments, Parser, Subcommand};
use push_core::BareJid;
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
    /// List and count registrations, or carry them from store to store. Run it as the service's user.
    #[command(subcommand)]
    Registrations(RegistrationsCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum RegistrationsCommand {
    /// Write all registrations as JSON Lines. They hold secrets: publish options are in clear, unless --as-stored.
    Export(ExportArgs),
    /// Read what export has written into the store. What is there and later stays; importing again changes nothing.
    Import(ImportArgs),
    /// Say how each of them fares, one a line. Without nodes and publish options, which may be secrets.
    List(ListArgs),
    /// Say how many there are, by status.
    Count {
        /// One JSON object in place of lines.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Arguments)]
pub(crate) struct ListArgs {
    /// Those of this user alone.
    #[arg(value_name = "JID")]
    pub(crate) user: Option<BareJid>,
    /// Those of this status alone.
    #[arg(long, value_parser = ["active", "failing", "quarantined"])]
    pub(crate) status: Option<String>,
    /// One JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Arguments)]
pub(crate) struct ExportArgs {
    /// A new file, readable for its owner alone, in place of standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Go on with a file that was cut off.
    #[arg(long, requires = "output")]
    pub(crate) resume: bool,
    /// Leave sealed publish options sealed: whoever imports them needs the same key.
    #[arg(long)]
    pub(crate) as_stored: bool,
}

#[derive(Debug, Arguments)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub(crate) struct ImportArgs {
    /// What export has written; "-" is standard input.
    #[arg(default_value = "-", value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// Write nothing, and say what would be done.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Take an export that is not complete.
    #[arg(long)]
    pub(crate) partial: bool,
    /// Go on behind lines that cannot be read.
    #[arg(long)]
    pub(crate) skip_bad: bool,
    /// Also write what is there already, with the status in the file: seals publish options with the first key.
    #[arg(long)]
    pub(crate) rewrite: bool,
    /// The summary as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}
