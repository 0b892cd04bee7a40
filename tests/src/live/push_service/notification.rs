//! Notifications, as a push service reads them.

use std::collections::BTreeMap;

use push_core::xml::{ElementRef, Namespace};

use super::answer::Reply;

/// A notification, as the push service saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Who published.
    pub from: String,
    /// The node.
    pub node: String,
    /// The fields of the summary, without `FORM_TYPE`.
    pub summary: BTreeMap<String, String>,
    /// The publish options in order, without `FORM_TYPE`.
    pub options: Vec<(String, String)>,
    /// How it was answered.
    pub reply: Reply,
}

impl Notification {
    /// `last-message-body`.
    #[must_use]
    pub fn body(&self) -> &str {
        self.summary
            .get("last-message-body")
            .map_or("", String::as_str)
    }

    /// `message-count`.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.summary
            .get("message-count")
            .and_then(|count| count.parse().ok())
            .unwrap_or_default()
    }
}

/// For how many messages the device with this node has been told.
#[must_use]
pub fn told(notifications: &[Notification], node: &str) -> u64 {
    let of_node = notifications.iter().filter(|one| one.node == node);
    let reached = of_node.filter(|one| one.reply.tells());
    reached.map(Notification::count).sum()
}

/// How many messages notifications stand for, together.
#[must_use]
pub fn total(notifications: &[Notification]) -> u64 {
    notifications.iter().map(Notification::count).sum()
}

/// Reads a notification that is not answered yet.
pub(super) fn notification(iq: ElementRef<'_>) -> Option<Notification> {
    let pubsub = iq.child("pubsub", Namespace::Pubsub)?;
    let publish = pubsub.child("publish", Namespace::Pubsub)?;
    let item = publish.child("item", Namespace::Pubsub)?;
    let summary = item.child("notification", Namespace::Push)?;
    let options = pubsub.child("publish-options", Namespace::Pubsub);
    Some(Notification {
        from: iq.attribute("from")?.to_owned(),
        node: publish.attribute("node")?.to_owned(),
        summary: fields(summary).into_iter().collect(),
        options: options.map(fields).unwrap_or_default(),
        reply: Reply::Nothing,
    })
}

fn fields(parent: ElementRef<'_>) -> Vec<(String, String)> {
    let Some(form) = parent.child("x", Namespace::DataForms) else {
        return Vec::new();
    };
    let field = |field: ElementRef<'_>| {
        let value = field.child("value", Namespace::DataForms)?;
        Some((
            field.attribute("var")?.to_owned(),
            value.text().into_owned(),
        ))
    };
    form.children()
        .filter_map(field)
        .filter(|(var, _)| var != "FORM_TYPE")
        .collect()
}
