//! A push service to try a server with, which behaves as fpush does. Nothing is pushed; what would be is printed.
//!
//! `push-service JID PORT [SECONDS]`: a component of the server on this machine, with the secret `secret`. It pushes to a node once in
//! SECONDS (20), and stays away for as long when its connection is lost. Reads commands from stdin, a line each:
//!
//! * `well` · `faults` · `silent`: how it answers from now on
//! * `blocked NODE`: what it answers for this node
//! * `leave` · `return`

use push_tests::live::push_service::{Notification, PushService, Reply};
use push_tests::live::{Failure, Result};
use std::io::{BufRead as _, Write as _};
use std::time::Duration;
use tokio::sync::mpsc;

const USAGE: &str = "push-service JID PORT [SECONDS]";

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let (jid, port, seconds) = match words[..] {
        [jid, port] => (jid, port.parse().ok(), Some(20)),
        [jid, port, seconds] => (jid, port.parse().ok(), seconds.parse().ok()),
        _ => return Err(Failure::new(USAGE)),
    };
    let (Some(port), Some(seconds)) = (port, seconds) else {
        return Err(Failure::new(USAGE));
    };
    let hold = Duration::from_secs(seconds);
    let service = PushService::connect(jid, port).await?;
    service.answer(Reply::Throttled(hold));
    service.pauses_for(hold);
    serve(&service, hold).await
}

async fn serve(service: &PushService, hold: Duration) -> Result<()> {
    let mut lines = lines();
    let mut shown = 0;
    loop {
        tokio::select! {
            got = service.receives_at_least(shown + 1) => {
                let got = got.unwrap_or_default();
                got.iter().skip(shown).try_for_each(show)?;
                shown = shown.max(got.len());
            }
            line = lines.recv() => match line {
                Some(line) => obey(service, hold, &line).await?,
                None => return Ok(()),
            },
        }
    }
}

fn lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let stdin = std::io::stdin().lock();
        let mut lines = stdin.lines().map_while(std::io::Result::ok);
        lines.try_for_each(|line| sender.send(line))
    });
    lines
}

fn show(got: &Notification) -> Result<()> {
    let (from, node, reply) = (&got.from, &got.node, got.reply);
    say(&format!(
        "{from} {node} messages: {} answer: {reply:?}",
        got.count()
    ))
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

async fn obey(service: &PushService, hold: Duration, line: &str) -> Result<()> {
    match line.split(' ').collect::<Vec<_>>()[..] {
        ["well"] => service.answer(Reply::Throttled(hold)),
        ["faults"] => service.answer(Reply::FPUSH_FAULT),
        ["silent"] => service.answer(Reply::Nothing),
        ["blocked", node] => service.answer_to(node, Reply::FPUSH_BLOCKED),
        ["leave"] => service.leaves().await?,
        ["return"] => service.returns().await?,
        _ => say("well, faults, silent, blocked NODE, leave or return")?,
    }
    Ok(())
}
