//! Changes as columns, in waves.

use crate::error::refused;
use crate::portion::Owner;
use push_core::registration::{Revision, Target};
use push_core::row::{MAX_KEY, Row, StatusColumns, bucket};
use push_core::store::{Change, Committed, Guard, StoreError};
use std::collections::HashMap;

/// Changes of which no two are of one owner, so that their order does not matter: at most one statement for each kind.
#[derive(Default)]
pub(crate) struct Wave<'a> {
    pub(crate) enables: Vec<Enable<'a>>,
    pub(crate) settles: Vec<Settle<'a>>,
    pub(crate) removals: Vec<Removal<'a>>,
}

/// The owner of a change, and where it stands in the call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position<'a> {
    pub(crate) owner: &'a str,
    pub(crate) bucket: i32,
    pub(crate) index: usize,
}

pub(crate) struct Enable<'a> {
    pub(crate) position: Position<'a>,
    pub(crate) row: Row,
}

pub(crate) struct Settle<'a> {
    pub(crate) position: Position<'a>,
    pub(crate) service: &'a str,
    pub(crate) node: &'a str,
    pub(crate) revision: i64,
    pub(crate) status: StatusColumns,
}

/// Without service or node, all of them are meant.
pub(crate) struct Removal<'a> {
    pub(crate) position: Position<'a>,
    pub(crate) service: Option<&'a str>,
    pub(crate) node: Option<&'a str>,
    pub(crate) first: i64,
    pub(crate) last: i64,
}

impl<'a> Removal<'a> {
    /// Of whatever a stored owner has.
    pub(crate) fn of_all(stored: &'a Owner, index: usize) -> Self {
        Self {
            position: Position {
                owner: &stored.owner,
                bucket: stored.bucket,
                index,
            },
            service: None,
            node: None,
            first: i64::MIN,
            last: i64::MAX,
        }
    }
}

/// Puts each change into the first wave behind all earlier ones of its owner. Within a wave owners are sorted: who locks
/// rows in one order does not meet another who has locked them in the other.
pub(crate) fn waves(changes: &[Change]) -> Result<Vec<Wave<'_>>, StoreError> {
    let mut waves: Vec<Wave<'_>> = Vec::new();
    let mut next: HashMap<&str, usize> = HashMap::new();
    for (index, change) in changes.iter().enumerate() {
        let owner = change.owner().as_str();
        let wave = next.entry(owner).or_default();
        if *wave == waves.len() {
            waves.push(Wave::default());
        }
        let position = Position {
            owner,
            bucket: bucket(change.owner()).into(),
            index,
        };
        waves[*wave].add(position, change)?;
        *wave += 1;
    }
    for wave in &mut waves {
        wave.enables.sort_unstable_by_key(|enable| enable.position);
        wave.settles.sort_unstable_by_key(|settle| settle.position);
        wave.removals
            .sort_unstable_by_key(|removal| removal.position);
    }
    Ok(waves)
}

/// Returns the outcome of each change if no statement says otherwise.
pub(crate) fn nothing_done(changes: &[Change]) -> Vec<Committed> {
    let nothing = |change: &Change| match change {
        Change::Enable { .. } | Change::Settle { .. } => Committed::Superseded,
        _ => Committed::Removed(0),
    };
    changes.iter().map(nothing).collect()
}

impl<'a> Wave<'a> {
    /// How many statements it takes.
    pub(crate) fn statements(&self) -> usize {
        let none = [
            self.enables.is_empty(),
            self.settles.is_empty(),
            self.removals.is_empty(),
        ];
        none.into_iter().filter(|none| !none).count()
    }

    /// Everybody in it, with their buckets.
    pub(crate) fn owners(&self) -> impl Iterator<Item = (&'a str, i32)> {
        let enables = self.enables.iter().map(|enable| enable.position);
        let settles = self.settles.iter().map(|settle| settle.position);
        let removals = self.removals.iter().map(|removal| removal.position);
        let all = enables.chain(settles).chain(removals);
        all.map(|position| (position.owner, position.bucket))
    }

    fn add(&mut self, position: Position<'a>, change: &'a Change) -> Result<(), StoreError> {
        match change {
            Change::Enable { registration, .. } => {
                names(position.owner, &registration.target)?;
                let row = registration.into();
                self.enables.push(Enable { position, row });
            }
            Change::Settle {
                target,
                revision,
                status,
                ..
            } => {
                let (service, node) = names(position.owner, target)?;
                self.settles.push(Settle {
                    position,
                    service,
                    node,
                    revision: number(*revision),
                    status: (*status).into(),
                });
            }
            Change::Remove { target, guard, .. } => {
                let (service, node) = names(position.owner, target)?;
                self.remove(position, Some(service), Some(node), *guard);
            }
            Change::RemoveService { service, up_to, .. } => {
                self.remove(position, Some(service.as_str()), None, Guard::UpTo(*up_to));
            }
            Change::RemoveOwner { up_to, .. } => {
                self.remove(position, None, None, Guard::UpTo(*up_to));
            }
            _ => return Err(refused("this store does not know that kind of change")),
        }
        Ok(())
    }

    fn remove(
        &mut self,
        position: Position<'a>,
        service: Option<&'a str>,
        node: Option<&'a str>,
        guard: Guard,
    ) {
        let (first, last) = match guard {
            Guard::Exactly(this) => (number(this), number(this)),
            Guard::UpTo(last) => (i64::MIN, number(last)),
        };
        self.removals.push(Removal {
            position,
            service,
            node,
            first,
            last,
        });
    }
}

/// Service and node, if they can be a key together with the owner.
fn names<'a>(owner: &str, target: &'a Target) -> Result<(&'a str, &'a str), StoreError> {
    let (service, node) = (target.service.as_str(), target.node.as_str());
    let length = owner.len() + service.len() + node.len();
    if length > MAX_KEY {
        return Err(refused(format!(
            "owner, push service and node have {length} bytes together, at most {MAX_KEY} are possible"
        )));
    }
    if node.contains('\0') {
        return Err(refused("a node with the character U+0000 cannot be stored"));
    }
    Ok((service, node))
}

/// A revision as the column holds it.
fn number(revision: Revision) -> i64 {
    revision.as_u64().cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jid::BareJid;

    fn remove_owner(owner: &str) -> Change {
        Change::RemoveOwner {
            owner: BareJid::new(owner).unwrap(),
            up_to: Revision::MAX,
        }
    }

    #[test]
    fn a_wave_has_each_owner_once_sorted_and_their_changes_stay_in_order() {
        let changes = ["c", "a", "c", "b", "a", "c"].map(|name| remove_owner(&format!("{name}@h")));
        let waves = waves(&changes).unwrap();
        let owners = |wave: &Wave<'_>| {
            let indices = wave.removals.iter().map(|removal| removal.position.index);
            indices.collect::<Vec<_>>()
        };
        let indices: Vec<_> = waves.iter().map(owners).collect();
        assert_eq!(indices, [vec![1, 3, 0], vec![4, 2], vec![5]]);
    }

    #[test]
    fn no_change_makes_no_wave() {
        assert!(waves(&[]).unwrap().is_empty());
    }
}
