//! What a store takes, with few registrations and with many.
//!
//! ```text
//! cargo run --release -p push-tests --all-features --bin store-bench -- [OPTION...] sqlite|postgres|mongo...
//!   --sizes 10000,1000000     registrations; the cost of the last is compared with that of the first
//!   --callers 8,32,200        who ask at the same time, each one question after the other
//!   --seconds 2               for each measurement
//! ```
//!
//! Starts a server of its own for each backend, but for a MongoDB that `MONGO_URI` names. In each measurement the sizes take turns several times, so that what else
//! the machine does hits all of them. Prints a line for each operation and number of callers: rate and latencies at each
//! size, and the median of what a question cost at the last size compared with the first in the same turn.

mod fill;
mod measure;
mod place;

use measure::{Measured, OPERATIONS, Operation};
use place::{Place, Store};
use std::error::Error;
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// How often the sizes take turns in a measurement.
const TURNS: u32 = 7;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

struct Options {
    sizes: Vec<u64>,
    callers: Vec<u64>,
    time: Duration,
    backends: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = options()?;
    for backend in &options.backends {
        bench(backend, &options).await?;
    }
    Ok(())
}

fn options() -> Result<Options> {
    let mut options = Options {
        sizes: vec![10_000, 1_000_000],
        callers: vec![8, 32, 200],
        time: Duration::from_secs(2),
        backends: Vec::new(),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--sizes" => options.sizes = numbers(&value()?)?,
            "--callers" => options.callers = numbers(&value()?)?,
            "--seconds" => options.time = Duration::from_secs_f64(value()?.parse()?),
            _ => options.backends.push(word),
        }
    }
    let owners = options.sizes.iter().map(|size| size / fill::DEVICES).min();
    if owners < options.callers.iter().copied().max() {
        return Err("each caller needs an owner: fewer callers, or more registrations".into());
    }
    Ok(options)
}

fn numbers(list: &str) -> Result<Vec<u64>> {
    let numbers = list.split(',').map(str::parse);
    Ok(numbers.collect::<std::result::Result<_, _>>()?)
}

async fn bench(backend: &str, options: &Options) -> Result<()> {
    let place = Place::prepare(backend).await?;
    let mut stores = Vec::new();
    for &size in &options.sizes {
        let (url, store) = place.store(size).await?;
        let start = Instant::now();
        fill::fill(&*store, size).await?;
        say(&format!(
            "{backend}: {size} registrations in {:.1?}",
            start.elapsed()
        ))?;
        drop(store);
        // Opened anew: what filling has left in memory is gone.
        stores.push((size, place.open(&url).await?));
    }
    for operation in OPERATIONS {
        for &callers in &options.callers {
            let columns = turns(operation, &stores, callers, options.time).await?;
            say(&line(backend, operation.name(), callers, &columns))?;
        }
    }
    say(&format!("{backend}: {}", resident()?))
}

/// What was measured at one size, a value for each turn.
type Column = (u64, Vec<Measured>);

async fn turns(
    operation: Operation,
    stores: &[(u64, Store)],
    callers: u64,
    time: Duration,
) -> Result<Vec<Column>> {
    let mut columns: Vec<Column> = stores.iter().map(|(size, _)| (*size, Vec::new())).collect();
    for _ in 0..TURNS {
        for ((size, store), (_, column)) in stores.iter().zip(&mut columns) {
            let time = time / TURNS;
            column.push(measure::measure(operation, store, *size, callers, time).await?);
        }
    }
    Ok(columns)
}

fn line(backend: &str, operation: &str, callers: u64, columns: &[Column]) -> String {
    let ratio = match columns {
        [(_, first), .., (_, last)] => format!(" | cost x {:.2}", ratio(first, last)),
        _ => String::new(),
    };
    let cell = |(size, turns): &Column| format!("{size}: {}", Measured::joined(turns));
    let cells: Vec<String> = columns.iter().map(cell).collect();
    format!(
        "{backend} {operation:11} {callers:3} callers | {}{ratio}",
        cells.join(" | ")
    )
}

/// The median over the turns.
fn ratio(first: &[Measured], last: &[Measured]) -> f64 {
    let turns = first.iter().zip(last);
    let mut ratios: Vec<f64> = turns
        .map(|(first, last)| first.rate() / last.rate())
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

/// Memory of this process now and at its most.
fn resident() -> Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let wanted = status
        .lines()
        .filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM"));
    let words: Vec<&str> = wanted.flat_map(str::split_whitespace).collect();
    Ok(words.join(" "))
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(io::stdout().lock(), "{line}")?)
}
