//! Measures what one account or one server can take from everybody else.
//!
//! ```text
//! scripts/bench abuse [OPTION...]
//!   --messages 1000   that each account with 20 registrations of 9,000 bytes at silent addresses misses at once
//!   --accounts 1      with addresses of their own
//!   --seconds 30      for which others miss 100 messages a second meanwhile; the service is killed and started again half-way
//!   --program FILE    another xmpp-push than the one built beside the bench
//! ```
//!
//! The server is that of `scripts/bench isolation`; it reads whatever the service writes at once.

use push_tests::arguments::number;
use push_tests::played::{Load, SILENT, Stage};
use push_tests::server::usage::resident;
use push_tests::server::{Failure, Result};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Users who are not the account.
const USERS: usize = 200;
/// Between two messages of theirs.
const INTERVAL: Duration = Duration::from_millis(10);
/// Registrations of the account: as many as one may have.
const REGISTRATIONS: usize = 20;
/// How long all answers to a burst may take.
const PATIENCE: Duration = Duration::from_secs(29);

/// The options of the command line.
struct Options {
    messages: usize,
    accounts: usize,
    time: Duration,
    program: PathBuf,
}

fn main() -> Result<()> {
    let options = options()?;
    for count in [10_000, 40_000] {
        say(&burst(&options.program, count)?)?;
    }
    for addresses in [1, REGISTRATIONS] {
        say(&one_account(&options, addresses)?)?;
    }
    Ok(())
}

/// Requests that are refused, in one burst.
fn burst(program: &Path, count: usize) -> Result<String> {
    let mut stage = Stage::set(program, "")?;
    let (before, start) = (resident(stage.process())?.1, Instant::now());
    for _ in 0..count {
        stage.ask("mallory", "<enable xmlns='urn:xmpp:push:0' jid='app'/>");
    }
    stage.until("refuses", PATIENCE, |stage| stage.adapter.asking() == 0)?;
    let took = start.elapsed();
    let told = stage.adapter.told.iter();
    let refused = told.filter(|told| told.what == "modify/bad-request");
    Ok(format!(
        "{count} requests in one burst: {} refused in {took:.1?}, peak {} MB, {before} MB before",
        refused.count(),
        resident(stage.process())?.1
    ))
}

/// One account misses much that cannot be told, while others are served.
fn one_account(options: &Options, addresses: usize) -> Result<String> {
    let mut stage = Stage::set(&options.program, "")?;
    stage.enable(USERS)?;
    for account in 0..options.accounts {
        for registration in 0..REGISTRATIONS {
            let address = format!("a{account}-{}.{SILENT}", registration % addresses);
            stage.request(&format!("mallory{account}"), &large(&address, registration))?;
        }
    }
    stage.answered()?;
    let since = Instant::now();
    for message in 0..options.messages * options.accounts {
        stage.missed_by(&format!("mallory{}", message % options.accounts));
    }
    let mut load = Load::new(INTERVAL, USERS);
    stage.load(&mut load, options.time / 2)?;
    let peak = resident(stage.process())?.1;
    stage.kill()?;
    stage.load(&mut load, options.time)?;
    stage.run(Instant::now() + Duration::from_secs(2))?;
    // Requests are still answered.
    stage.enable_again(0)?;
    stage.answered()?;
    let times = stage.ledger.times(since, |_| true);
    Ok(format!(
        "{} account(s) with {REGISTRATIONS} registrations at {addresses} silent addresses, {} messages each: others p50 {:.1?}, p99 {:.1?}, \
         max {:.1?} of {}, never {}; {} streams, {} deferrals, peak {} MB",
        options.accounts,
        options.messages,
        times.percentile(50),
        times.percentile(99),
        times.percentile(100),
        times.count(),
        stage.ledger.waiting(|_| true),
        stage.streams,
        stage.deferrals,
        resident(stage.process())?.1.max(peak)
    ))
}

/// A registration as large as it may be.
fn large(address: &str, registration: usize) -> String {
    let (node, secret) = ("n".repeat(1_000), "s".repeat(7_900));
    format!(
        "<enable xmlns='urn:xmpp:push:0' jid='{address}' node='{node}{registration:02}'><x xmlns='jabber:x:data' type='submit'>\
         <field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>\
         <field var='secret'><value>{secret}</value></field></x></enable>"
    )
}

fn options() -> Result<Options> {
    let mut options = Options {
        messages: 1_000,
        accounts: 1,
        time: Duration::from_secs(30),
        program: std::env::current_exe()?.with_file_name("xmpp-push"),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().unwrap_or_default();
        match word.as_str() {
            "--messages" => options.messages = number(&word, &value)?,
            "--accounts" => options.accounts = number(&word, &value)?,
            "--seconds" => options.time = Duration::from_secs(number(&word, &value)?),
            "--program" => options.program = PathBuf::from(value),
            _ => return Err(Failure::new(format!("{word} is no option of this bench"))),
        }
    }
    Ok(options)
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(io::stdout().lock(), "{line}")?)
}
