//! `xmpp-push`: the binary. See `xmpp-push --help` and the README.

mod args;
mod check;
mod compose;
mod config;
mod exit;
mod findings;
mod lock;
mod logging;
mod migrate;
mod registrations;
mod run;
mod shards;

use args::{Args, Command};
use clap::Parser;
use exit::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = match &args.command {
        Command::Run => run::run(&args.config),
        Command::Check { json, connect } => check::check(&args.config, *json, *connect),
        Command::Migrate => migrate::migrate(&args.config),
        Command::Registrations(command) => registrations::run(&args.config, command),
    };
    outcome.map_or_else(Failure::report, |()| ExitCode::SUCCESS)
}
