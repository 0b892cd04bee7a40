//! The commands, one file or folder each.

mod check;
mod migrate;
mod output;
mod registrations;
mod rules;
mod run;

use crate::args::Command;
use crate::config::ConfigFile;
use crate::exit::Failure;

/// Does what the command line says.
pub(crate) fn run(command: Command, file: &ConfigFile) -> Result<(), Failure> {
    match command {
        Command::Run => run::run(file),
        Command::Check { json, connect } => check::check(file, json, connect),
        Command::Migrate => migrate::migrate(file),
        Command::Rules(command) => rules::run(&command),
        Command::Registrations(command) => registrations::run(file, &command),
    }
}
