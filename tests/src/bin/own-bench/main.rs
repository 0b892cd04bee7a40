//! Measures the cost of a push to the service itself: its processor time, wake-ups, memory and allocations.
//!
//! ```text
//! scripts/bench own [OPTION...]
//!   --seconds 8             for each row, after a second that is not counted
//!   --rates 200,1000,5000   events a second of the paced rows
//!   --users 1000            registered users, each with one registration
//!   --window 1000           events outstanding in the saturated rows
//!   --program FILE          another xmpp-push than the one built beside the bench, to compare with
//! ```
//!
//! Each row starts the release binary on a store of its own, beside a server played here, which answers each publish at
//! once. What else the machine does is not counted, but a busy machine lets the service find more work at each wake-up.

mod adapter;
mod allocations;
mod row;
mod server;

use row::{Load, Row};
use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The options of the command line.
struct Options {
    time: Duration,
    rates: Vec<u32>,
    users: u64,
    window: u64,
    program: PathBuf,
}

fn main() -> Result<()> {
    let options = options()?;
    say(Row::HEADER)?;
    let paced = options.rates.iter().map(|&rate| (Load::Paced(rate), true));
    for (load, registered) in paced.chain([(Load::Saturated, true), (Load::Saturated, false)]) {
        let row = Row {
            load,
            registered,
            users: options.users,
            window: options.window,
            program: &options.program,
        };
        say(&row.measure(options.time)?)?;
    }
    say(&allocations::measure()?)
}

fn options() -> Result<Options> {
    let mut options = Options {
        time: Duration::from_secs(8),
        rates: vec![200, 1_000, 5_000],
        users: 1_000,
        window: 1_000,
        program: std::env::current_exe()?.with_file_name("xmpp-push"),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words
            .next()
            .ok_or_else(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--seconds" => options.time = Duration::from_secs_f64(value.parse()?),
            "--rates" => options.rates = numbers(&value)?,
            "--users" => options.users = value.parse()?,
            "--program" => options.program = value.into(),
            "--window" => options.window = value.parse()?,
            _ => return Err(format!("{word} is no option of this bench").into()),
        }
    }
    Ok(options)
}

fn numbers(list: &str) -> Result<Vec<u32>> {
    let numbers = list.split(',').map(str::parse);
    Ok(numbers.collect::<std::result::Result<_, _>>()?)
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(io::stdout().lock(), "{line}")?)
}
