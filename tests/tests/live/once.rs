//! Compares the events by which real servers tell of one message with `tests/transcripts/once`, which the test `once` of the suite `world`
//! plays to the Machine.
//!
//! After a wanted change, `TRANSCRIPTS=write cargo test -p push-tests --all-features --test live once` writes what the servers
//! tell into them, to be read before it is committed.

use push_tests::live::cast::Cast;
use push_tests::live::ejabberd::{Ejabberd, EjabberdConfig};
use push_tests::live::prosody::{Prosody, ProsodyConfig};
use push_tests::live::slot::Slot;
use push_tests::live::stage::Ports;
use push_tests::live::{Failure, Result};
use push_tests::once::script::Script;
use push_tests::once::transcripts;
use std::path::PathBuf;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long a session can be resumed: time enough for what happens meanwhile.
const RESUMPTION: Duration = Duration::from_secs(8);

/// Longer than a transcript takes: here nobody acknowledges before being told to.
const ACKNOWLEDGEMENT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn prosody_tells_what_is_written() -> Result<()> {
    with_prosody("prosody", true).await
}

#[tokio::test]
async fn prosody_without_an_archive_tells_what_is_written() -> Result<()> {
    with_prosody("prosody-plain", false).await
}

#[tokio::test]
async fn ejabberd_tells_what_is_written() -> Result<()> {
    with_ejabberd("ejabberd", true, "if_offline").await
}

#[tokio::test]
async fn ejabberd_without_an_archive_tells_what_is_written() -> Result<()> {
    with_ejabberd("ejabberd-plain", false, "if_offline").await
}

async fn with_prosody(folder: &str, mam: bool) -> Result<()> {
    let files = transcripts(folder)?;
    let mut server = Prosody::start(ProsodyConfig {
        adapter: true,
        slots: files.len(),
        mam,
        hibernation: RESUMPTION,
        ack_delay: ACKNOWLEDGEMENT,
        ..ProsodyConfig::default()
    })
    .await?;
    let play = Play::assemble(files, (&server).into()).await?;
    server.restart().await?;
    play.goes_on().await
}

async fn with_ejabberd(folder: &str, mam: bool, resend_on_timeout: &'static str) -> Result<()> {
    let files = transcripts(folder)?;
    let mut server = Ejabberd::start(EjabberdConfig {
        adapter: true,
        slots: files.len(),
        mam,
        resend_on_timeout,
        hibernation: RESUMPTION,
        ack_timeout: ACKNOWLEDGEMENT,
        ..EjabberdConfig::default()
    })
    .await?;
    let play = Play::assemble(files, (&server).into()).await?;
    server.restart().await?;
    play.goes_on().await
}

/// Transcripts that go on after a restart of the server; what is wrong with others.
struct Play {
    waiting: Vec<(PathBuf, Cast)>,
    wrong: Vec<String>,
}

impl Play {
    /// Plays all transcripts up to a restart, each on a host of its own.
    async fn assemble(files: Vec<PathBuf>, ports: Ports) -> Result<Self> {
        let mut plays = JoinSet::new();
        for (index, file) in files.into_iter().enumerate() {
            plays.spawn(async move {
                let begun = begun(&file, Slot::new(index), ports).await;
                (file, begun)
            });
        }
        let mut all = Self {
            waiting: Vec::new(),
            wrong: Vec::new(),
        };
        while let Some(Ok((file, begun))) = plays.join_next().await {
            match begun {
                Ok((cast, true)) => all.compare(&file, &cast.transcript())?,
                Ok((cast, false)) => all.waiting.push((file, cast)),
                Err(failure) => all.fails(&file, &failure),
            }
        }
        Ok(all)
    }

    /// Plays to the end what was not at its end before the restart.
    async fn goes_on(mut self) -> Result<()> {
        for (file, mut cast) in std::mem::take(&mut self.waiting) {
            let ended = async {
                cast.goes_on().await?;
                cast.play().await
            };
            match ended.await {
                Ok(_) => self.compare(&file, &cast.transcript())?,
                Err(failure) => self.fails(&file, &failure),
            }
        }
        if self.wrong.is_empty() {
            return Ok(());
        }
        Err(Failure::new(format!(
            "{}\nTRANSCRIPTS=write rewrites them",
            self.wrong.join("\n")
        )))
    }

    fn compare(&mut self, file: &PathBuf, got: &Script) -> Result<()> {
        let (expected, got) = (std::fs::read_to_string(file)?, got.write());
        if is_recording() {
            std::fs::write(file, got)?;
        } else if expected != got {
            self.wrong.push(format!("{}:\n{got}", file.display()));
        }
        Ok(())
    }

    fn fails(&mut self, file: &std::path::Path, failure: &Failure) {
        self.wrong.push(format!("{}: {failure}", file.display()));
    }
}

async fn begun(file: &PathBuf, slot: Slot, ports: Ports) -> Result<(Cast, bool)> {
    let script = Script::read(&std::fs::read_to_string(file)?);
    let mut cast = Cast::assemble(&script, is_recording(), slot, ports).await?;
    let has_ended = cast.play().await?;
    Ok((cast, has_ended))
}

fn is_recording() -> bool {
    std::env::var_os("TRANSCRIPTS").is_some_and(|value| value == "write")
}
