//! Questions to the store: how many at a time, for how long, and what a commit may still do after that.

use crate::action::Query;
use crate::hash::{Seeded, SeededMap};
use crate::ids::QueryId;
use crate::machine::deadlines::{Deadlines, Key};
use crate::machine::values::Item;
use crate::registration::Target;
use crate::store::{Change, Guard, StoreError};
use crate::{Policy, Timestamp};
use jid::BareJid;
use std::collections::{BTreeMap, VecDeque};

/// Once this many store time-outs have passed, a commit that timed out can no longer take effect.
const CERTAIN_AFTER: u32 = 2;

/// A question to the store, with the item that it is asked for.
#[derive(Debug)]
pub(super) struct Question {
    owner: BareJid,
    query: Query,
    item: Option<Item>,
}

impl Question {
    /// Returns a question on behalf of `owner`. The answer to a commit completes `item`; a load has none.
    pub(super) fn new(owner: BareJid, query: Query, item: Option<Item>) -> Self {
        Self { owner, query, item }
    }

    /// Returns owner, query and item.
    pub(super) fn into_parts(self) -> (BareJid, Query, Option<Item>) {
        (self.owner, self.query, self.item)
    }
}

/// All questions that are asked or wait for their turn, at most one for each user.
///
/// A commit that timed out may still be applied. Revisions order most conflicts, but not a removal followed by an enable that
/// comes late. So removals that were acknowledged meanwhile are repeated once no late commit can come any more.
#[derive(Debug)]
pub(super) struct Queries {
    asked: SeededMap<QueryId, Asked>,
    queue: VecDeque<Box<Question>>,
    /// Commits that were given up and whose answer may still come, in the order in which they were asked.
    late: BTreeMap<QueryId, Late>,
    /// Users with an uncertain commit.
    uncertain: SeededMap<BareJid, Uncertain>,
    deadlines: Deadlines<Due>,
    last: u64,
}

#[derive(Debug)]
struct Asked {
    question: Box<Question>,
    due: Key,
}

#[derive(Debug)]
struct Late {
    owner: BareJid,
    /// From then on it has happened or never will.
    until: Timestamp,
}

#[derive(Debug)]
struct Uncertain {
    /// The removals that were acknowledged since.
    removals: Vec<Change>,
    /// When the last uncertain commit of the user is certain.
    due: Key,
}

#[derive(Debug)]
enum Due {
    TimedOut(QueryId),
    Certain(BareJid),
}

/// An answer of the store, with the question.
#[derive(Debug)]
pub(super) enum Answered {
    Question(Box<Question>),
    /// To a commit of this user that was given up.
    Late(BareJid),
    /// To a question that nobody asked, or that was answered before.
    Unknown,
}

/// A deadline that has passed.
#[derive(Debug)]
pub(super) enum Overdue {
    /// The store did not answer this.
    Unanswered(Box<Question>),
    /// No commit of this user is uncertain any more; these removals have to be repeated.
    Certain(BareJid, Vec<Change>),
}

impl Queries {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            asked: hash.map(),
            queue: VecDeque::new(),
            late: BTreeMap::new(),
            uncertain: hash.map(),
            deadlines: Deadlines::new(),
            last: 0,
        }
    }

    /// Takes a question, which is asked when its turn comes ([`Self::next`]).
    pub(super) fn push(&mut self, question: Question) {
        self.queue.push_back(Box::new(question));
    }

    /// Returns the next question to ask, as long as the store has room for one.
    pub(super) fn next(&mut self, now: Timestamp, policy: &Policy) -> Option<(QueryId, Query)> {
        if self.asked.len() >= policy.workers {
            return None;
        }
        let question = self.queue.pop_front()?;
        self.last += 1;
        let (id, query) = (QueryId(self.last), question.query.clone());
        let due = now.after(policy.store_timeout);
        let due = self.deadlines.set(due, Due::TimedOut(id));
        self.asked.insert(id, Asked { question, due });
        Some((id, query))
    }

    /// Finds the question of an answer.
    pub(super) fn answered(&mut self, id: QueryId) -> Answered {
        if let Some(asked) = self.asked.remove(&id) {
            self.deadlines.cancel(asked.due);
            return Answered::Question(asked.question);
        }
        let late = self.late.remove(&id);
        late.map_or(Answered::Unknown, |late| Answered::Late(late.owner))
    }

    /// A commit of this user failed, which does not say that it will not happen.
    pub(super) fn doubt(&mut self, now: Timestamp, owner: &BareJid, policy: &Policy) {
        let certain = now.after(policy.store_timeout * CERTAIN_AFTER);
        let due = self.deadlines.set(certain, Due::Certain(owner.clone()));
        let removals = match self.uncertain.remove(owner) {
            Some(before) => {
                self.deadlines.cancel(before.due);
                before.removals
            }
            None => Vec::new(),
        };
        let uncertain = Uncertain { removals, due };
        self.uncertain.insert(owner.clone(), uncertain);
    }

    /// These changes were acknowledged. While a commit of that user is uncertain, their removals are remembered.
    pub(super) fn acknowledged(&mut self, owner: &BareJid, changes: &[Change]) {
        let Some(uncertain) = self.uncertain.get_mut(owner) else {
            return;
        };
        let removes =
            |change: &&Change| !matches!(change, Change::Enable { .. } | Change::Settle { .. });
        for removal in changes.iter().filter(removes) {
            let removals = &mut uncertain.removals;
            removals.retain(|earlier| !covers(removal, earlier));
            removals.push(removal.clone());
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.next()
    }

    /// Returns what is overdue.
    pub(super) fn tick(&mut self, now: Timestamp, policy: &Policy) -> Option<Overdue> {
        while let Some(first) = self.late.first_entry()
            && first.get().until <= now
        {
            first.remove();
        }
        loop {
            match self.deadlines.pop_due(now)? {
                Due::TimedOut(id) => {
                    let Some(asked) = self.asked.remove(&id) else {
                        continue;
                    };
                    let question = asked.question;
                    if matches!(question.query, Query::Commit(_)) {
                        let owner = question.owner.clone();
                        let until = now.after(policy.store_timeout * CERTAIN_AFTER);
                        self.late.insert(id, Late { owner, until });
                    }
                    return Some(Overdue::Unanswered(question));
                }
                Due::Certain(owner) => {
                    let uncertain = self.uncertain.remove(&owner)?;
                    return Some(Overdue::Certain(owner, uncertain.removals));
                }
            }
        }
    }
}

/// Returns the error of a store that has not answered in time.
pub(super) fn no_answer() -> StoreError {
    let reason = "no answer in time".to_owned();
    StoreError::Unavailable { reason }
}

/// Returns the error of a store that has not answered what was asked.
pub(super) fn other_answer() -> StoreError {
    let reason = "the store answered another question".to_owned();
    StoreError::Refused { reason }
}

/// Returns whether a removal does all that an earlier one of the same user did.
fn covers(later: &Change, earlier: &Change) -> bool {
    match (later, earlier) {
        (Change::RemoveOwner { .. }, _) => true,
        (
            Change::RemoveService { service, .. },
            Change::Remove {
                target: Target { service: of, .. },
                ..
            }
            | Change::RemoveService { service: of, .. },
        ) => service == of,
        (
            Change::Remove {
                target,
                guard: Guard::UpTo(_),
                ..
            },
            Change::Remove { target: of, .. },
        ) => target == of,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registration::Revision;

    fn owner(name: &str) -> BareJid {
        BareJid::new(&format!("{name}@example.org")).unwrap()
    }

    fn question(name: &str, query: Query) -> Question {
        Question {
            owner: owner(name),
            query,
            item: None,
        }
    }

    fn removal(name: &str) -> Change {
        Change::RemoveOwner {
            owner: owner(name),
            up_to: Revision::MAX,
        }
    }

    #[test]
    fn a_commit_whose_answer_never_comes_is_forgotten_when_it_is_certain() {
        let policy = Policy::default();
        let (mut queries, now) = (Queries::new(Seeded::new(1, 2)), Timestamp::default());
        queries.push(question("a", Query::Commit(vec![removal("a")])));
        let (id, _) = queries.next(now, &policy).unwrap();
        let later = now.after(policy.store_timeout);
        assert!(matches!(
            queries.tick(later, &policy),
            Some(Overdue::Unanswered(_))
        ));
        let certain = later.after(policy.store_timeout * CERTAIN_AFTER);
        assert!(queries.tick(certain, &policy).is_none());
        assert!(matches!(queries.answered(id), Answered::Unknown));
    }

    #[test]
    fn so_many_are_asked_at_a_time_and_the_rest_in_order() {
        let policy = Policy {
            workers: 2,
            ..Policy::default()
        };
        let (mut queries, now) = (Queries::new(Seeded::new(1, 2)), Timestamp::default());
        for name in ["a", "b", "c"] {
            queries.push(question(name, Query::Load(owner(name))));
        }
        let (first, _) = queries.next(now, &policy).unwrap();
        queries.next(now, &policy).unwrap();
        assert!(queries.next(now, &policy).is_none());
        assert!(
            matches!(queries.answered(first), Answered::Question(of) if of.owner == owner("a"))
        );
        assert!(matches!(queries.answered(first), Answered::Unknown));
        let (_, query) = queries.next(now, &policy).unwrap();
        assert_eq!(query, Query::Load(owner("c")));
    }

    #[test]
    fn removals_acknowledged_while_a_commit_is_uncertain_are_repeated() {
        let policy = Policy::default();
        let (mut queries, now) = (Queries::new(Seeded::new(1, 2)), Timestamp::default());
        queries.push(question("a", Query::Commit(vec![removal("a")])));
        let (id, _) = queries.next(now, &policy).unwrap();
        let later = now.after(policy.store_timeout);
        assert!(matches!(
            queries.tick(later, &policy),
            Some(Overdue::Unanswered(_))
        ));
        queries.doubt(later, &owner("a"), &policy);
        assert!(matches!(queries.answered(id), Answered::Late(of) if of == owner("a")));
        queries.acknowledged(&owner("a"), &[removal("a")]);
        queries.acknowledged(&owner("a"), &[removal("a")]);
        queries.acknowledged(&owner("b"), &[removal("b")]);
        assert!(queries.tick(later, &policy).is_none());
        let certain = queries.next_deadline().unwrap();
        let Some(Overdue::Certain(of, again)) = queries.tick(certain, &policy) else {
            unreachable!()
        };
        assert_eq!((of, again), (owner("a"), vec![removal("a")]));
        queries.acknowledged(&owner("a"), &[removal("a")]);
        assert!(queries.next_deadline().is_none());
    }
}
