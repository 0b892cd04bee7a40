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
use config::ConfigFile;
use exit::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = Args::parse();
    let file = ConfigFile::new(args.config, compose::BACKENDS);
    let outcome = match args.command {
        Command::Run => run::run(&file),
        Command::Check { json, connect } => check::check(&file, json, connect),
        Command::Migrate => migrate::migrate(&file),
        Command::Registrations(command) => registrations::run(&file, &command),
    };
    outcome.map_or_else(Failure::report, |()| ExitCode::SUCCESS)
}
