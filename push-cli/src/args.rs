//! The command line.

use clap::{Args as Arguments, Parser, Subcommand};
use push_core::BareJid;
use push_core::session::{Cause, ClientState, Session};
use std::path::PathBuf;
use std::str::FromStr;

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
    /// Try rules without a server.
    #[command(subcommand)]
    Rules(RulesCommand),
    /// List and count registrations, or carry them from store to store. Run it as the service's user.
    #[command(subcommand)]
    Registrations(RegistrationsCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Say what is wrong with the rules of a file, and which of them are never reached.
    Check {
        /// A configuration, or a file with nothing but rules.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Say what the rules of a file decide about a message, and what the notification says.
    Try(RulesTryArgs),
}

#[derive(Debug, Arguments)]
pub(crate) struct RulesTryArgs {
    /// A configuration, or a file with nothing but rules.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The message, as the user would get it.
    #[arg(value_name = "STANZA")]
    pub(crate) stanza: PathBuf,
    /// Why it was missed.
    #[arg(long, default_value = "offline", value_parser = Cause::ALL.map(Cause::as_str))]
    pub(crate) cause: String,
    /// How many messages it stands for.
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    pub(crate) count: u64,
    /// The resource of the session that missed it.
    #[arg(long)]
    pub(crate) resource: Option<String>,
    /// A session of the user: its resource, and any of a priority, "active", "inactive", "hibernated" and "enabled" after colons, as in
    /// "phone:0:inactive".
    #[arg(long, value_name = "SESSION")]
    pub(crate) session: Vec<SessionArg>,
    /// One JSON object in place of lines.
    #[arg(long)]
    pub(crate) json: bool,
}

impl RulesTryArgs {
    pub(crate) fn cause(&self) -> Cause {
        Cause::from_name(&self.cause).unwrap_or(Cause::Offline)
    }
}

/// A session as it is described on the command line.
#[derive(Clone, Debug)]
pub(crate) struct SessionArg(Session);

impl SessionArg {
    pub(crate) fn to_session(&self) -> Session {
        self.0.clone()
    }
}

impl FromStr for SessionArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split(':');
        let mut session = Session {
            resource: words.next().unwrap_or_default().to_owned(),
            priority: None,
            hibernated: false,
            client_state: None,
            enabled: false,
        };
        for word in words {
            match word {
                "active" => session.client_state = Some(ClientState::Active),
                "inactive" => session.client_state = Some(ClientState::Inactive),
                "hibernated" => session.hibernated = true,
                "enabled" => session.enabled = true,
                _ => {
                    let priority = word.parse();
                    session.priority = Some(priority.map_err(|_| format!("what is {word:?}?"))?);
                }
            }
        }
        Ok(Self(session))
    }
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
