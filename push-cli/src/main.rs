//! `xmpp-push`: the binary. See `xmpp-push --help` and the README.

mod args;
mod check;
mod compose;
mod config;
mod exit;
mod lock;
mod logging;
mod registrations;
mod run;

use args::{Args, Command};
use clap::Parser;
use exit::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = match &args.command {
        Command::Run => run::run(&args.config),
        Command::Check { json } => check::check(&args.config, *json),
        Command::Registrations(command) => registrations::run(&args.config, command),
    };
    outcome.map_or_else(Failure::report, |()| ExitCode::SUCCESS)
}
