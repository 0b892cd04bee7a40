//! `xmpp-push`: the binary. See `xmpp-push --help` and the README.

mod args;
mod commands;
mod compose;
mod config;
mod exit;
mod lock;
mod logging;
mod runtime;
mod service;

use args::Args;
use clap::Parser;
use config::ConfigFile;
use exit::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = Args::parse();
    let file = ConfigFile::new(args.config, compose::BACKENDS);
    commands::run(args.command, &file).map_or_else(Failure::report, |()| ExitCode::SUCCESS)
}
