//! Seeded random questions over few keys, so that they meet.

use super::{
    enable, jid, registration, remove, remove_owner, remove_revision, remove_service, settle,
    status, target, up_to,
};
use push_core::BareJid;
use push_core::store::{Change, Cursor};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// Look-alikes in every part: what a prefix, a case-blind or a locale-aware comparison would mix up.
const OWNERS: [&str; 8] = [
    "alice@example.org",
    "alice2@example.org",
    "alice@sub.example.org",
    "alice@example.org.net",
    "example.org",
    "étoile@example.org",
    "50%_off@example.org",
    "\u{43f}\u{4e2d}@example.net",
];
const SERVICES: [&str; 3] = [
    "push.example.net",
    "push.example.net.org",
    "a@push.example.net",
];
const NODES: [&str; 7] = ["", "n", "N", "n ", "n\u{301}", "\u{1F600}'\"\\%_", "n2"];
const DOMAINS: [&str; 3] = ["example.org", "sub.example.org", "nobody.example"];

/// One question to a store.
#[derive(Debug)]
pub enum Question {
    /// [`load`](push_core::store::RegistrationStore::load)
    Load(Vec<BareJid>),
    /// [`commit`](push_core::store::RegistrationStore::commit)
    Commit(Vec<Change>),
    /// [`page`](push_core::store::RegistrationStore::page)
    Page(Option<Cursor>, usize),
    /// [`counts`](push_core::store::RegistrationStore::counts)
    Counts,
    /// [`remove_domain`](push_core::store::RegistrationStore::remove_domain), of the domain of this JID
    RemoveDomain(BareJid),
}

/// The same questions for the same seed, without end.
pub struct Questions(ChaCha8Rng);

impl Questions {
    /// The questions of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    fn below(&mut self, bound: u32) -> u32 {
        self.0.next_u32() % bound
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.0.next_u32() as usize % from.len()]
    }

    fn change(&mut self) -> Change {
        let owner = self.pick(&OWNERS);
        let (service, node) = (self.pick(&SERVICES), self.pick(&NODES));
        // Few revisions, so that guards are right as often as stale.
        let revision = u64::from(self.below(3));
        let target = target(service, node);
        match self.below(18) {
            0..=6 => enable(owner, &registration(service, node, revision)),
            7..=8 => remove_revision(owner, &target, revision),
            9 => remove(owner, &target),
            10 => up_to(remove(owner, &target), revision),
            11 => remove_service(owner, service),
            12 => up_to(remove_service(owner, service), revision),
            13 => remove_owner(owner),
            14 => up_to(remove_owner(owner), revision),
            _ => settle(owner, &target, revision, status(self.below(30))),
        }
    }

    fn cursor(&mut self) -> Cursor {
        Cursor {
            owner: jid(self.pick(&OWNERS)),
            target: target(self.pick(&SERVICES), self.pick(&NODES)),
        }
    }
}

impl Iterator for Questions {
    type Item = Question;

    fn next(&mut self) -> Option<Question> {
        Some(match self.below(21) {
            0..=12 => {
                let count = 1 + self.below(4);
                Question::Commit((0..count).map(|_| self.change()).collect())
            }
            13..=15 => {
                let count = self.below(4);
                Question::Load((0..count).map(|_| jid(self.pick(&OWNERS))).collect())
            }
            16..=18 => {
                let after = (self.below(3) > 0).then(|| self.cursor());
                Question::Page(after, 1 + self.below(6) as usize)
            }
            19 => Question::Counts,
            _ => Question::RemoveDomain(jid(self.pick(&DOMAINS))),
        })
    }
}
