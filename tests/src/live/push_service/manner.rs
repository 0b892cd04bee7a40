//! How a push service behaves, and what of that it has to remember.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::answer::Reply;

/// How it behaves from now on.
#[derive(Debug)]
pub(super) struct Manner {
    reply: Reply,
    of_nodes: BTreeMap<String, Reply>,
    /// When the next push of a node may be made, where they are [`Reply::Throttled`].
    free_at: BTreeMap<String, Instant>,
    /// How long it stays away when its connection is lost; none if it comes back as soon as it can.
    pub(super) pause: Option<Duration>,
}

impl Manner {
    pub(super) fn new() -> Self {
        Self {
            reply: Reply::Result,
            of_nodes: BTreeMap::new(),
            free_at: BTreeMap::new(),
            pause: None,
        }
    }

    /// Answers so from now on, whichever node it is.
    pub(super) fn answer(&mut self, reply: Reply) {
        self.reply = reply;
        self.of_nodes.clear();
    }

    /// Answers so to what is for this node.
    pub(super) fn answer_to(&mut self, node: &str, reply: Reply) {
        self.of_nodes.insert(node.to_owned(), reply);
    }

    /// The answer to a publish that comes now.
    pub(super) fn reply(&mut self, now: Instant, node: &str) -> Reply {
        match self.of_nodes.get(node).copied().unwrap_or(self.reply) {
            Reply::Throttled(hold) => self.throttled(now, node, hold),
            reply => reply,
        }
    }

    fn throttled(&mut self, now: Instant, node: &str, hold: Duration) -> Reply {
        let free_at = self.free_at.get(node).map_or(now, |at| now.max(*at));
        let wait = free_at.duration_since(now);
        if wait > hold {
            return Reply::Dropped;
        }
        self.free_at.insert(node.to_owned(), free_at + hold);
        if wait.is_zero() {
            Reply::Result
        } else {
            Reply::Late(wait)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLD: Duration = Duration::from_secs(20);

    #[test]
    fn of_one_node_the_second_push_is_held_and_the_third_is_dropped() {
        let mut manner = Manner::new();
        manner.answer(Reply::Throttled(HOLD));
        let now = Instant::now();
        assert_eq!(manner.reply(now, "a"), Reply::Result);
        assert_eq!(manner.reply(now, "a"), Reply::Late(HOLD));
        assert_eq!(manner.reply(now, "a"), Reply::Dropped);
        assert_eq!(manner.reply(now, "b"), Reply::Result);
        // The one that was held has been made.
        assert_eq!(manner.reply(now + HOLD, "a"), Reply::Late(HOLD));
        assert_eq!(manner.reply(now + 3 * HOLD, "a"), Reply::Result);
    }

    #[test]
    fn a_node_can_have_an_answer_of_its_own() {
        let mut manner = Manner::new();
        manner.answer_to("a", Reply::Nothing);
        let now = Instant::now();
        assert_eq!(manner.reply(now, "a"), Reply::Nothing);
        assert_eq!(manner.reply(now, "b"), Reply::Result);
        manner.answer(Reply::Result);
        assert_eq!(manner.reply(now, "a"), Reply::Result);
    }
}
