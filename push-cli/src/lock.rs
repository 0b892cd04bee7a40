//! One instance per embedded store and component.
//!
//! A second stream beside a running one would be kicked by Prosody and would split ejabberd's traffic.

use crate::config::StoreSettings;
use crate::exit::Failure;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long an instance that has given back its lease may take to end.
const HANDOVER: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(100);

/// Held while an instance runs; given back by the system when the process ends, however it does.
#[derive(Debug)]
pub(crate) struct InstanceLock {
    _file: Option<File>,
}

impl InstanceLock {
    /// Takes the lock once whoever is about to end has given it back.
    pub(crate) async fn succeed(settings: &StoreSettings) -> Result<Self, Failure> {
        let patience = Instant::now() + HANDOVER;
        loop {
            match Self::take(settings) {
                Err(Failure::Running(_)) if Instant::now() < patience => sleep(PAUSE).await,
                taken => return taken,
            }
        }
    }

    /// Takes the lock, or says who has it.
    pub(crate) fn take(settings: &StoreSettings) -> Result<Self, Failure> {
        let Some(path) = settings.lock_file() else {
            return Ok(Self { _file: None });
        };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let name = path.display();
        let failed =
            |error: io::Error| Failure::Internal(format!("{name} cannot be locked: {error}"));
        let file = file.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(Failure::Running(name.to_string())),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}
