//! `xmpp-push rules`: trying rules without a server.

mod stanza;
mod trial;

use super::output::print;
use crate::args::RulesCommand;
use crate::config::RulesFile;
use crate::exit::Failure;
use push_core::plugin::rules::Rule;
use std::path::Path;

/// Does what the command line says.
pub(super) fn run(command: &RulesCommand) -> Result<(), Failure> {
    match command {
        RulesCommand::Check { file } => check(file),
        RulesCommand::Try(args) => trial::run(args),
    }
}

fn check(file: &Path) -> Result<(), Failure> {
    let plugin = RulesFile::new(file).read().map_err(Failure::Config)?;
    let lists = [("rules", plugin.rules()), ("shadow rules", plugin.shadow())];
    for (name, rules) in lists {
        if let Some((always, never)) = hidden(rules) {
            let names: Vec<&str> = never.iter().map(|rule| rule.name.as_str()).collect();
            let names = names.join(", ");
            print(&format!(
                "{name}: never reached, because {:?} always matches: {names}",
                always.name.as_str()
            ));
        }
        print(&format!("{name}: {}", rules.len()));
    }
    Ok(())
}

/// Returns the rule that always matches, and those after it.
fn hidden(rules: &[Rule]) -> Option<(&Rule, &[Rule])> {
    let at = rules.iter().position(|rule| rule.conditions.is_empty())?;
    let (before, after) = rules.split_at(at + 1);
    before
        .last()
        .zip(Some(after))
        .filter(|(_, after)| !after.is_empty())
}
