//! `xmpp-push registrations import`.

use super::line::Entry;
use super::open::open;
use super::source::Source;
use crate::args::ImportArgs;
use crate::commands::output::{print, say_progress};
use crate::config::Config;
use crate::exit::Failure;
use crate::lock::InstanceLock;
use push_core::BareJid;
use push_core::registration::{Revision, Target};
use push_core::store::{Change, Committed, RegistrationStore, StoreError};
use serde_json::json;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Registrations stored at once, and the most that are in memory.
const BATCH: usize = 500;

/// Reads an export into the store.
pub(super) async fn import(config: &Config, args: &ImportArgs) -> Result<(), Failure> {
    // A running service would not notice what is written to an embedded store beside it.
    let lock = (!args.dry_run).then(|| InstanceLock::take(&config.store));
    let lock = lock.transpose()?;
    let source = Source::open(&args.input)?;
    let mut import = Import {
        store: open(config, false).await?,
        args,
        done: Done::default(),
    };
    let ended = import.all(source).await;
    print(&import.done.summary(args));
    // The lock outlives the store, which finishes its work when it is dropped.
    drop(import);
    drop(lock);
    ended
}

/// What was done so far, in registrations.
#[derive(Debug, Default)]
struct Done {
    /// Read from the file.
    read: u64,
    /// Stored.
    enabled: u64,
    /// Not stored: this very revision is there.
    present: u64,
    /// Not stored: a later revision is there.
    newer: u64,
    /// Lines that cannot be read.
    bad: u64,
}

impl Done {
    fn summary(&self, args: &ImportArgs) -> String {
        let Self {
            read,
            enabled,
            present,
            newer,
            bad,
        } = self;
        if args.json {
            let dry_run = args.dry_run;
            return json!({
                "read": read, "enabled": enabled, "present": present, "newer": newer, "bad": bad, "dry_run": dry_run,
            })
            .to_string();
        }
        let stored = if args.dry_run {
            "would be stored"
        } else {
            "stored"
        };
        format!(
            "{read} registrations read: {enabled} {stored}, {present} there already, {newer} there and later; {bad} lines not readable"
        )
    }
}

struct Import<'a> {
    store: Arc<dyn RegistrationStore>,
    args: &'a ImportArgs,
    done: Done,
}

impl Import<'_> {
    async fn all(&mut self, mut source: Source) -> Result<(), Failure> {
        loop {
            // A line that cannot be read ends it before anything of its batch is stored.
            let batch = source.batch(BATCH, self.args.skip_bad)?;
            self.done.bad = source.bad;
            if batch.is_empty() {
                break;
            }
            let before = self.done.read;
            self.done.read += batch.len() as u64;
            self.put(batch).await.map_err(Failure::StoreFailed)?;
            say_progress(before, self.done.read);
        }
        if !self.args.partial {
            source.is_complete(self.done.read + self.done.bad)?;
        }
        match self.done.bad {
            0 => Ok(()),
            bad => Err(Failure::BadLines(bad)),
        }
    }

    /// Stores what is not there.
    async fn put(&mut self, batch: Vec<Entry>) -> Result<(), StoreError> {
        let there = self.there(&batch).await?;
        let mut changes = Vec::with_capacity(batch.len());
        for (owner, registration) in batch {
            let key = (owner, registration.target.clone());
            match there.get(&key) {
                Some(have) if *have > registration.revision => self.done.newer += 1,
                Some(have) if *have == registration.revision && !self.args.rewrite => {
                    self.done.present += 1;
                }
                _ => changes.push(Change::Enable {
                    owner: key.0,
                    registration,
                }),
            }
        }
        if self.args.dry_run {
            self.done.enabled += changes.len() as u64;
            return Ok(());
        }
        for committed in self.store.commit(&changes).await? {
            match committed {
                Committed::Enabled => self.done.enabled += 1,
                _ => self.done.newer += 1,
            }
        }
        Ok(())
    }

    /// Which revisions there are of the owners in a batch. What cannot be read is not there: it is replaced, unless
    /// the store finds it to be later.
    async fn there(
        &self,
        batch: &[Entry],
    ) -> Result<HashMap<(BareJid, Target), Revision>, StoreError> {
        let owners: BTreeSet<&BareJid> = batch.iter().map(|(owner, _)| owner).collect();
        let owners: Vec<BareJid> = owners.into_iter().cloned().collect();
        let accounts = self.store.load(&owners).await?.accounts;
        let revisions = accounts.into_iter().flat_map(|account| {
            let owner = account.owner;
            let of_owner = account.registrations.into_iter();
            of_owner.map(move |have| ((owner.clone(), have.target), have.revision))
        });
        Ok(revisions.collect())
    }
}
