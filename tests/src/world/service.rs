//! A push service that answers as it is told.

use super::xml::texts;
use push_core::Timestamp;
use push_core::xml::{ElementRef, Namespace};
use std::collections::BTreeMap;
use std::time::Duration;

/// How a push service answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// A result.
    #[default]
    Accepts,
    /// A result, after so long.
    Slow(Duration),
    /// An error of this type and condition.
    Refuses(&'static str, &'static str),
    /// Nothing.
    Silent,
    /// Somebody else answers, that there is no such node.
    Foreign,
    /// The user's server cannot reach it.
    Unreachable,
}

impl Manner {
    /// How long it takes and what the outcome says, if it ever comes.
    pub fn outcome(self) -> Option<(Duration, String)> {
        let soon = Duration::from_millis(20);
        match self {
            Self::Accepts => Some((soon, "type='result'".to_owned())),
            Self::Slow(time) => Some((time, "type='result'".to_owned())),
            Self::Refuses(kind, condition) => Some((
                soon,
                format!("type='error' etype='{kind}' condition='{condition}'"),
            )),
            Self::Silent => None,
            Self::Foreign => Some((soon, "type='foreign'".to_owned())),
            Self::Unreachable => Some((
                soon,
                "type='error' origin='server' etype='cancel' condition='remote-server-not-found'"
                    .to_owned(),
            )),
        }
    }
}

/// A notification as a push service gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// When.
    pub at: Timestamp,
    /// The node.
    pub node: String,
    /// `message-count`
    pub count: u64,
    /// `last-message-sender`
    pub sender: Option<String>,
    /// `last-message-body`
    pub body: Option<String>,
    /// The publish options without `FORM_TYPE`.
    pub options: Vec<(String, String)>,
}

impl Notification {
    /// Reads a `<pubsub/>`.
    pub fn read(at: Timestamp, pubsub: ElementRef<'_>) -> Self {
        let publish = pubsub.child("publish", Namespace::Pubsub).unwrap();
        let item = publish.child("item", Namespace::Pubsub).unwrap();
        let summary = fields(item.child("notification", Namespace::Push).unwrap());
        let options = pubsub.child("publish-options", Namespace::Pubsub);
        let value = |name: &str| {
            let field = summary.iter().find(|(var, _)| var == name);
            field.map(|(_, value)| value.clone())
        };
        Self {
            at,
            node: publish.attribute("node").unwrap().to_owned(),
            count: value("message-count").map_or(0, |count| count.parse().unwrap()),
            sender: value("last-message-sender"),
            body: value("last-message-body"),
            options: options.map(fields).unwrap_or_default(),
        }
    }
}

/// The fields of the form in `parent`, `FORM_TYPE` left out.
fn fields(parent: ElementRef<'_>) -> Vec<(String, String)> {
    let form = parent.child("x", Namespace::DataForms).unwrap();
    let field = |field: ElementRef<'_>| (field.attribute("var").unwrap().to_owned(), texts(field));
    let fields = form.children().map(field);
    fields.filter(|(var, _)| var != "FORM_TYPE").collect()
}

/// A push service.
#[derive(Debug, Default)]
pub struct PushService {
    /// How it answers, from now on.
    pub manner: Manner,
    /// How it answers for these nodes instead.
    pub by_node: BTreeMap<String, Manner>,
    /// What reached it.
    pub received: Vec<Notification>,
    /// What of it was accepted.
    pub accepted: Vec<Notification>,
    /// How many it has not answered yet, and the most there ever were.
    pub open: usize,
    /// The most that were open at one time.
    pub most_open: usize,
}

impl PushService {
    /// Takes a notification.
    pub fn receive(&mut self, notification: &Notification) -> Option<(Duration, String)> {
        self.received.push(notification.clone());
        let by_node = self.by_node.get(&notification.node);
        let manner = by_node.copied().unwrap_or(self.manner);
        if matches!(manner, Manner::Accepts | Manner::Slow(_)) {
            self.accepted.push(notification.clone());
        }
        self.open += 1;
        self.most_open = self.most_open.max(self.open);
        manner.outcome()
    }

    /// The nodes that were notified, in order.
    pub fn nodes(&self) -> Vec<&str> {
        self.received.iter().map(|one| one.node.as_str()).collect()
    }

    /// Those since the last call.
    pub fn take(&mut self) -> Vec<Notification> {
        std::mem::take(&mut self.received)
    }
}
