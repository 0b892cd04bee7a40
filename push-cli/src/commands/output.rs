//! Printing for commands.

use std::io::{self, Write};

/// How often it is said how far an export or an import is, in registrations.
const PROGRESS: u64 = 100_000;

/// Prints the answer to a command. A closed standard output is the reader's choice.
pub(crate) fn print(text: &str) {
    drop(writeln!(io::stdout(), "{text}"));
}

/// Prints something to know beside the answer.
pub(crate) fn say(text: &str) {
    drop(writeln!(io::stderr(), "xmpp-push: {text}"));
}

/// Says how far it is when `before` and `now` are on different sides of a mark.
pub(crate) fn say_progress(before: u64, now: u64) {
    if before / PROGRESS != now / PROGRESS {
        say(&format!("{now} registrations so far"));
    }
}
