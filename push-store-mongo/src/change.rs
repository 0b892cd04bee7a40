//! Changes as commands, in waves.

use crate::enable::Enable;
use crate::error::refused;
use crate::row;
use jid::BareJid;
use mongodb::bson::Document;
use push_core::registration::Revision;
use push_core::store::{Change, Guard, StoreError};
use std::collections::HashMap;

/// How many enables go into one command.
const ENABLES: usize = 128;

/// How many bytes, about: a command must stay below 16 MiB.
const BYTES: usize = 4 << 20;

pub(crate) type Wave<'a> = Vec<(usize, &'a Change)>;

/// The n-th wave has everybody's n-th change.
pub(crate) fn waves(changes: &[Change]) -> Vec<Wave<'_>> {
    let mut seen: HashMap<&BareJid, usize> = HashMap::new();
    let mut waves: Vec<Wave<'_>> = Vec::new();
    for (index, change) in changes.iter().enumerate() {
        let earlier = seen.entry(change.owner()).or_default();
        if *earlier == waves.len() {
            waves.push(Vec::new());
        }
        waves[*earlier].push((index, change));
        *earlier += 1;
    }
    waves
}

/// The work of one command, or of one transaction, and for which changes, by their index in the call.
pub(crate) enum Job {
    Enable(Vec<(usize, Enable)>),
    /// Filter and update.
    Settle(usize, Document, Document),
    /// One registration.
    Remove(usize, Document),
    /// Any number of one owner's.
    RemoveAll(usize, Document),
}

pub(crate) fn jobs(wave: Wave<'_>) -> Result<Vec<Job>, StoreError> {
    let (mut jobs, mut enables) = (Vec::new(), Vec::new());
    for (index, change) in wave {
        match change {
            Change::Enable {
                owner,
                registration,
            } => enables.push((index, Enable::new(owner, registration))),
            other => jobs.push(job(index, other)?),
        }
    }
    jobs.extend(batches(enables).into_iter().map(Job::Enable));
    Ok(jobs)
}

fn batches(enables: Vec<(usize, Enable)>) -> Vec<Vec<(usize, Enable)>> {
    let mut batches: Vec<Vec<_>> = Vec::new();
    let mut bytes = 0;
    for (index, enable) in enables {
        bytes += enable.size;
        match batches.last_mut() {
            Some(batch) if batch.len() < ENABLES && bytes <= BYTES => batch.push((index, enable)),
            _ => {
                bytes = enable.size;
                batches.push(vec![(index, enable)]);
            }
        }
    }
    batches
}

fn job(index: usize, change: &Change) -> Result<Job, StoreError> {
    let up_to = |filter, revision: &Revision| row::guarded(filter, Guard::UpTo(*revision));
    match change {
        Change::Settle {
            owner,
            target,
            revision,
            status,
        } => {
            let filter = row::guarded(row::key(owner, target), Guard::Exactly(*revision));
            Ok(Job::Settle(index, filter, row::settled((*status).into())))
        }
        Change::Remove {
            owner,
            target,
            guard,
        } => Ok(Job::Remove(
            index,
            row::guarded(row::key(owner, target), *guard),
        )),
        Change::RemoveService {
            owner,
            service,
            up_to: last,
        } => Ok(Job::RemoveAll(
            index,
            up_to(row::service(owner, service), last),
        )),
        Change::RemoveOwner { owner, up_to: last } => {
            Ok(Job::RemoveAll(index, up_to(row::account(owner), last)))
        }
        _ => Err(refused("this store does not know that kind of change")),
    }
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
        let indices: Vec<Vec<_>> = waves(&changes)
            .iter()
            .map(|wave| wave.iter().map(|(index, _)| *index).collect())
            .collect();
        assert_eq!(indices, [vec![0, 1, 4], vec![2, 5], vec![3]]);
    }

    #[test]
    fn a_command_holds_no_more_than_a_server_takes() {
        let owner = BareJid::new("a@b").unwrap();
        let sizes = |count: usize, option: &str| -> Vec<usize> {
            let Change::Enable { registration, .. } = enable("a@b", option) else {
                unreachable!()
            };
            let enables = (0..count).map(|index| (index, Enable::new(&owner, &registration)));
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
