//! Measures what silent push services cost the users of the others.
//!
//! ```text
//! scripts/bench isolation [OPTION...]
//!   --silent 1,2       runs with so many of the ten push services silent; each round begins with a run in which all are well
//!   --rounds 3
//!   --seconds 150      for each run, after all users have enabled push
//!   --silent-from 30   the second from which they are silent; only what is missed from then on is measured, in every run
//!   --rate 2000        messages missed a second
//!   --users 20000      each with one registration; a tenth of them at each push service
//!   --kill             kill -9 half-way through the silence; at the end all answer, and everything has to be told
//!   --program FILE     another xmpp-push than the one built beside the bench
//! ```
//!
//! The server is played: it has 5,000 places in flight, room for 10,000 deferred events, and the window that the service says, of which one
//! user gets 50 events as in both adapters.
//! A push service that is well answers after 20 ms. What is measured is the time from a missed message to its publish.

mod run;

use push_tests::arguments::number;
use push_tests::server::{Failure, Result};
use run::{Outcome, Run};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

/// The options of the command line.
struct Options {
    silent: Vec<usize>,
    rounds: usize,
    run: Run,
}

fn main() -> Result<()> {
    let options = options()?;
    say(Outcome::HEADER)?;
    let mut p99s: Vec<(usize, Duration)> = Vec::new();
    for _ in 0..options.rounds {
        for silent in [0].iter().chain(&options.silent) {
            let outcome = options.run.measure(*silent)?;
            say(&outcome.line())?;
            p99s.push((*silent, outcome.p99()));
        }
    }
    let median = |silent: usize| {
        let of = p99s.iter().filter(|(of, _)| *of == silent);
        let mut of: Vec<Duration> = of.map(|(_, p99)| *p99).collect();
        of.sort_unstable();
        of.get(of.len() / 2).copied().unwrap_or_default()
    };
    let well = median(0);
    // A service that is not there tells nobody: that is not what is compared.
    for silent in options.silent.into_iter().filter(|_| !options.run.kill) {
        say(&verdict(silent, median(silent), well))?;
    }
    Ok(())
}

fn verdict(silent: usize, sick: Duration, well: Duration) -> String {
    let limit = (well * 3 / 2).max(well + Duration::from_millis(2));
    let verdict = if sick <= limit { "holds" } else { "FAILS" };
    format!(
        "{silent} silent: median p99 {sick:.1?}, all well {well:.1?}; healthy p99 at most 1.5 x or + 2 ms: {verdict}"
    )
}

fn options() -> Result<Options> {
    let mut options = Options {
        silent: vec![1, 2],
        rounds: 3,
        run: Run {
            users: 20_000,
            time: Duration::from_secs(150),
            silent_from: Duration::from_secs(30),
            rate: 2_000,
            kill: false,
            program: std::env::current_exe()?.with_file_name("xmpp-push"),
        },
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--kill" {
            options.run.kill = true;
            continue;
        }
        let value = words.next().unwrap_or_default();
        match word.as_str() {
            "--silent" => {
                let numbers = value.split(',').map(|part| number(&word, part));
                options.silent = numbers.collect::<Result<_>>()?;
            }
            "--rounds" => options.rounds = number(&word, &value)?,
            "--seconds" => options.run.time = Duration::from_secs(number(&word, &value)?),
            "--silent-from" => {
                options.run.silent_from = Duration::from_secs(number(&word, &value)?)
            }
            "--rate" => options.run.rate = number(&word, &value)?,
            "--users" => options.run.users = number(&word, &value)?,
            "--program" => options.run.program = PathBuf::from(value),
            _ => return Err(Failure::new(format!("{word} is no option of this bench"))),
        }
    }
    Ok(options)
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(io::stdout().lock(), "{line}")?)
}
