//! The elements that one adapter is to be sent, in order.

use crate::link::ToAdapter;
use std::collections::VecDeque;

/// Elements per message, and bytes of texts in them: Prosody ends a stream with a stanza over 512 kB, and an escaped
/// character may take six bytes.
const ITEMS: usize = 50;
const BYTES: usize = 64 << 10;
/// Users per statement; each name has 1,023 bytes at most, none of which is escaped.
const USERS: usize = 100;

/// Elements in order, with the number of the last statement about users among them.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    items: VecDeque<ToAdapter>,
    statements: u64,
}

impl Outbox {
    pub(super) fn push(&mut self, item: ToAdapter) {
        self.items.push_back(item);
    }

    /// Says of one user whether they have a registration.
    pub(super) fn state(&mut self, user: &str, some: bool) {
        let statement = (user.to_owned(), some);
        if let Some(ToAdapter::Users { users, .. }) = self.items.back_mut()
            && users.len() < USERS
        {
            return users.push(statement);
        }
        self.say(false, vec![statement]);
    }

    /// Makes the adapter forget all it was told of users.
    pub(super) fn reset(&mut self) {
        self.say(true, Vec::new());
    }

    fn say(&mut self, reset: bool, users: Vec<(String, bool)>) {
        self.statements += 1;
        self.items.push_back(ToAdapter::Users {
            number: self.statements,
            reset,
            users,
        });
    }

    /// Returns the number of the last statement.
    pub(super) fn statements(&self) -> u64 {
        self.statements
    }

    /// A statement is missing: the adapter sees it by the number, and will forget all it was told of users.
    pub(super) fn skip_statement(&mut self) {
        self.statements += 1;
    }

    /// Drops what was not sent.
    pub(super) fn clear(&mut self) {
        self.items.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Takes as many elements as go into one message; at least one, if there are any.
    pub(super) fn portion(&mut self) -> Vec<ToAdapter> {
        let mut bytes = 0;
        let fits = |item: &&ToAdapter| {
            bytes += item.text_bytes();
            bytes <= BYTES
        };
        let fitting = self.items.iter().take(ITEMS).take_while(fits).count();
        let count = fitting.max(1).min(self.items.len());
        self.items.drain(..count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::Class;
    use crate::link::Recipient;
    use crate::machine::sample::{owner, registration};
    use crate::xml::sample::written;
    use std::sync::Arc;

    fn users(count: usize) -> Outbox {
        let mut outbox = Outbox::default();
        for n in 0..count {
            outbox.state(&format!("user{n}"), false);
        }
        outbox
    }

    #[test]
    fn statements_are_joined_and_numbered() {
        let mut outbox = users(USERS + 1);
        outbox.push(ToAdapter::Ping);
        outbox.state("alice", true);
        let numbers = outbox.portion().into_iter().map(|item| match item {
            ToAdapter::Users { number, users, .. } => (number, users.len()),
            _ => (0, 0),
        });
        assert_eq!(
            numbers.collect::<Vec<_>>(),
            [(1, USERS), (2, 1), (0, 0), (3, 1)]
        );
        assert_eq!(outbox.statements(), 3);
    }

    /// Returns elements with the longest names there are: 500 users' states, 60 deferrals for 50 registrations and as many
    /// publishes.
    fn with_long_names() -> Outbox {
        let long = "<".repeat(1023);
        let mut have = registration("n", 1);
        have.resource = Some(long.clone());
        let have = Arc::new(have);
        let mut outbox = Outbox::default();
        for n in 0..500 {
            outbox.state(&format!("{n:x>1023}"), false);
        }
        for number in 0..60 {
            outbox.push(ToAdapter::Defer {
                session: "s".into(),
                number,
                into: None,
                recipients: vec![Recipient::new(have.clone()); 50],
            });
            outbox.push(ToAdapter::Publish {
                number,
                timeout: 40,
                class: Class::Message,
                owner: owner("alice"),
                registration: have.clone(),
                summary: Arc::default(),
            });
        }
        outbox
    }

    #[test]
    fn no_message_is_longer_than_a_server_takes() {
        let mut outbox = with_long_names();
        let mut sent = 0;
        while !outbox.is_empty() {
            let items = outbox.portion();
            sent += items.len();
            let bytes: usize = items
                .iter()
                .map(|item| written(item).root().source().len())
                .sum();
            assert!(
                bytes < 500 << 10,
                "{bytes} bytes in {} elements",
                items.len()
            );
        }
        assert!(sent >= 125, "{sent}");
    }

    #[test]
    fn a_portion_is_bounded_in_elements_and_bytes() {
        let mut outbox = Outbox::default();
        (0..=ITEMS).for_each(|_| outbox.push(ToAdapter::Ping));
        assert_eq!((outbox.portion().len(), outbox.portion().len()), (ITEMS, 1));
        assert!(outbox.portion().is_empty());
        let mut outbox = Outbox::default();
        let long = vec![("u".repeat(BYTES), true)];
        for _ in 0..2 {
            outbox.say(false, long.clone());
        }
        assert_eq!(outbox.portion().len(), 1, "more than fits goes alone");
    }
}
