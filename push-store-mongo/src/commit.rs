//! Changing: waves of changes of different owners, each of them at once.

use crate::connection::Server;
use crate::enable::{self, Enable};
use crate::error::refused;
use crate::row;
use jid::BareJid;
use mongodb::bson::{Document, doc};
use mongodb::error::Result;
use push_core::registration::Revision;
use push_core::store::{Change, Committed, Guard, StoreError};
use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::Arc;
use tokio::task::JoinSet;

/// How many commands of one call are on their way at once. Fewer than there are connections: other calls want some.
const AT_ONCE: usize = 8;

/// How many enables go into one command.
const ENABLES: usize = 128;

/// How many bytes, about: a command must stay below 16 MiB.
const BYTES: usize = 4 << 20;

/// Applies `changes`: those of one owner one after the other, those of different owners side by side.
pub(crate) async fn commit(
    server: &Arc<Server>,
    changes: &[Change],
) -> std::result::Result<Vec<Committed>, StoreError> {
    let mut committed = vec![Committed::Superseded; changes.len()];
    for wave in waves(changes) {
        for (at, done) in apply(server, jobs(wave)?).await? {
            committed[at] = done;
        }
    }
    Ok(committed)
}

type Wave<'a> = Vec<(usize, &'a Change)>;

/// The n-th wave has everybody's n-th change.
fn waves(changes: &[Change]) -> Vec<Wave<'_>> {
    let mut seen: HashMap<&BareJid, usize> = HashMap::new();
    let mut waves: Vec<Wave<'_>> = Vec::new();
    for (at, change) in changes.iter().enumerate() {
        let earlier = seen.entry(change.owner()).or_default();
        if *earlier == waves.len() {
            waves.push(Vec::new());
        }
        waves[*earlier].push((at, change));
        *earlier += 1;
    }
    waves
}

/// What one command, or one transaction, does, and for the changes at which places.
enum Job {
    Enable(Vec<(usize, Enable)>),
    /// Filter and update.
    Settle(usize, Document, Document),
    /// One registration.
    Remove(usize, Document),
    /// Any number of one owner's.
    RemoveAll(usize, Document),
}

fn jobs(wave: Wave<'_>) -> std::result::Result<Vec<Job>, StoreError> {
    let (mut jobs, mut enables) = (Vec::new(), Vec::new());
    for (at, change) in wave {
        match change {
            Change::Enable {
                owner,
                registration,
            } => enables.push((at, Enable::new(owner, registration))),
            other => jobs.push(job(at, other)?),
        }
    }
    jobs.extend(batches(enables).into_iter().map(Job::Enable));
    Ok(jobs)
}

fn batches(enables: Vec<(usize, Enable)>) -> Vec<Vec<(usize, Enable)>> {
    let mut batches: Vec<Vec<_>> = Vec::new();
    let mut bytes = 0;
    for (at, enable) in enables {
        bytes += enable.size;
        match batches.last_mut() {
            Some(batch) if batch.len() < ENABLES && bytes <= BYTES => batch.push((at, enable)),
            _ => {
                bytes = enable.size;
                batches.push(vec![(at, enable)]);
            }
        }
    }
    batches
}

fn job(at: usize, change: &Change) -> std::result::Result<Job, StoreError> {
    let up_to = |filter, revision: &Revision| row::guarded(filter, Guard::UpTo(*revision));
    match change {
        Change::Settle {
            owner,
            target,
            revision,
            status,
        } => {
            let filter = row::guarded(row::key(owner, target), Guard::Exactly(*revision));
            Ok(Job::Settle(at, filter, row::settled((*status).into())))
        }
        Change::Remove {
            owner,
            target,
            guard,
        } => Ok(Job::Remove(
            at,
            row::guarded(row::key(owner, target), *guard),
        )),
        Change::RemoveService {
            owner,
            service,
            up_to: last,
        } => Ok(Job::RemoveAll(
            at,
            up_to(row::service(owner, service), last),
        )),
        Change::RemoveOwner { owner, up_to: last } => {
            Ok(Job::RemoveAll(at, up_to(row::account(owner), last)))
        }
        _ => Err(refused("this store does not know that kind of change")),
    }
}

type Done = Vec<(usize, Committed)>;

/// Does all jobs, a few at once. When one fails the others still end, rather than have their connections closed.
async fn apply(server: &Arc<Server>, jobs: Vec<Job>) -> std::result::Result<Done, StoreError> {
    let (mut done, mut failed) = (Vec::new(), None);
    let mut running = JoinSet::new();
    let mut jobs = jobs.into_iter();
    loop {
        while running.len() < AT_ONCE
            && failed.is_none()
            && let Some(job) = jobs.next()
        {
            let server = Arc::clone(server);
            running.spawn(async move { perform(&server, job).await });
        }
        match running.join_next().await {
            None => return failed.map_or(Ok(done), Err),
            Some(Ok(Ok(more))) => done.extend(more),
            Some(Ok(Err(error))) => failed = Some(error),
            // Nothing here aborts a task: it has panicked.
            Some(Err(panic)) => resume_unwind(panic.into_panic()),
        }
    }
}

async fn perform(server: &Server, job: Job) -> std::result::Result<Done, StoreError> {
    let one = |at, done: Result<Committed>| {
        let done = done.map_err(|error| server.explain(&error))?;
        Ok(vec![(at, done)])
    };
    match job {
        Job::Enable(enables) => {
            let (places, enables): (Vec<_>, Vec<_>) = enables.into_iter().unzip();
            let done = enable::enable(server, &enables).await?;
            Ok(places.into_iter().zip(done).collect())
        }
        Job::Settle(at, filter, update) => one(at, settle(server, filter, update).await),
        Job::Remove(at, filter) => one(at, remove(server, filter).await),
        Job::RemoveAll(at, filter) => one(at, remove_all(server, filter).await),
    }
}

async fn settle(server: &Server, filter: Document, update: Document) -> Result<Committed> {
    let settled = server.registrations.find_one_and_update(filter, update);
    let settled = settled.projection(nothing());
    Ok(match settled.max_time(server.call_timeout).await? {
        Some(_) => Committed::Settled,
        None => Committed::Superseded,
    })
}

async fn remove(server: &Server, filter: Document) -> Result<Committed> {
    let removed = server.registrations.find_one_and_delete(filter);
    let removed = removed.projection(nothing());
    let removed = removed.max_time(server.call_timeout).await?;
    Ok(Committed::Removed(removed.iter().count()))
}

/// That a document was found is all that is asked. Other than an update or a delete, what finds and modifies can be limited
/// in time; the driver repeats it as safely.
fn nothing() -> Document {
    doc! { "_id": 1 }
}

/// All or none of them, hence in a transaction; a standalone server has none.
async fn remove_all(server: &Server, filter: Document) -> Result<Committed> {
    let registrations = server.registrations.clone();
    if !server.has_transactions() {
        let removed = registrations.delete_many(filter).await?;
        return Ok(count(removed.deleted_count));
    }
    let mut session = server.client.start_session().await?;
    let transaction = session.start_transaction();
    let removed = transaction.and_run2(async move |session| {
        let removed = registrations.delete_many(filter.clone());
        removed.session(session).await
    });
    removed.await.map(|removed| count(removed.deleted_count))
}

fn count(removed: u64) -> Committed {
    Committed::Removed(usize::try_from(removed).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use push_core::Timestamp;
    use push_core::registration::{
        Identity, PublishOptions, PubsubNode, Registration, Status, Target,
    };

    fn enable(owner: &str, option: &str) -> Change {
        Change::Enable {
            owner: BareJid::new(owner).unwrap(),
            registration: Registration {
                target: Target {
                    service: BareJid::new("push.example.net").unwrap(),
                    node: PubsubNode::new("n"),
                },
                options: PublishOptions::new(vec![("secret".into(), option.into())]),
                revision: Revision::new(1),
                status: Status::Active,
                resource: None,
                identity: Identity::Server,
                enabled_at: Timestamp::from_millis(1),
            },
        }
    }

    #[test]
    fn nobody_is_twice_in_a_wave_and_everybody_keeps_their_order() {
        let owners = ["a@b", "b@b", "a@b", "a@b", "c@b", "b@b"];
        let changes = owners.map(|owner| enable(owner, ""));
        let places: Vec<Vec<_>> = waves(&changes)
            .iter()
            .map(|wave| wave.iter().map(|(at, _)| *at).collect())
            .collect();
        assert_eq!(places, [vec![0, 1, 4], vec![2, 5], vec![3]]);
    }

    #[test]
    fn a_command_holds_no_more_than_a_server_takes() {
        let owner = BareJid::new("a@b").unwrap();
        let sizes = |count: usize, option: &str| -> Vec<usize> {
            let Change::Enable { registration, .. } = enable("a@b", option) else {
                unreachable!()
            };
            let enables = (0..count).map(|at| (at, Enable::new(&owner, &registration)));
            batches(enables.collect()).iter().map(Vec::len).collect()
        };
        assert_eq!(sizes(300, ""), [128, 128, 44]);
        assert_eq!(sizes(5, &"x".repeat(BYTES / 3)), [2, 2, 1]);
        assert_eq!(
            sizes(2, &"x".repeat(2 * BYTES)),
            [1, 1],
            "too large for any command"
        );
        assert!(sizes(0, "").is_empty());
    }
}
