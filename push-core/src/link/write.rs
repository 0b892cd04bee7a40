//! What an adapter is sent.

use super::{RESOURCE, Ranges, Recipient, VERSION};
use crate::delivery::Class;
use crate::registration::Registration;
use crate::xep::error::StanzaError;
use crate::xep::pubsub::Publish;
use crate::xep::summary::Summary;
use crate::xml::{ElementSink, Namespace, WriteXml};
use jid::BareJid;
use std::sync::Arc;

/// A message to an adapter: elements in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkMessage {
    /// The component.
    pub from: Arc<str>,
    /// The host the adapter serves.
    pub host: Arc<str>,
    /// What it is told.
    pub items: Vec<ToAdapter>,
}

/// One element of the link, to the adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToAdapter {
    /// Opens the link.
    Hello {
        /// Drawn for this hello.
        session: String,
        /// This run of the service.
        instance: String,
        /// Events the adapter may have outstanding.
        window: u64,
        /// The number of the last statement about users.
        users: u64,
        /// Of the lease the service runs under.
        fence: Option<u64>,
        /// Words of the kinds and contents wanted.
        want: Arc<str>,
    },
    /// We are about to stop.
    Bye,
    /// Wants a pong.
    Ping,
    /// These events are done.
    Ack {
        /// The session of the adapter's hello.
        session: Arc<str>,
        /// Which.
        numbers: Ranges,
    },
    /// An event waits for a push service that cannot take notifications now.
    Defer {
        /// The session of the adapter's hello.
        session: Arc<str>,
        /// Which.
        number: u64,
        /// The deferred event that it joins.
        into: Option<u64>,
        /// For whom.
        recipients: Vec<Recipient>,
    },
    /// These deferred events are to be told again.
    Resume {
        /// The session of the adapter's hello.
        session: Arc<str>,
        /// Which.
        numbers: Ranges,
    },
    /// Who has push.
    Users {
        /// Number of the statement.
        number: u64,
        /// Forget everything said before.
        reset: bool,
        /// Localparts, and whether they have a registration.
        users: Vec<(String, bool)>,
    },
    /// Answers a request.
    Answer {
        /// The request's number.
        number: u64,
        /// What the client is told.
        answer: Result<(), StanzaError>,
    },
    /// To be published as the host.
    Publish {
        /// Its number in this run.
        number: u64,
        /// Seconds to wait for the answer.
        timeout: u64,
        /// How urgent it is.
        class: Class,
        /// The user whose device is told.
        owner: BareJid,
        /// Where to, and with which options.
        registration: Arc<Registration>,
        /// What it says.
        summary: Arc<Summary>,
    },
}

impl WriteXml for LinkMessage {
    fn write_xml(&self, sink: &mut dyn ElementSink) {
        sink.start("message", Namespace::Component);
        sink.attribute("from", &self.from);
        sink.attribute("to", &format!("{}/{RESOURCE}", self.host));
        self.items.iter().for_each(|item| item.write_xml(sink));
        sink.end();
    }
}

impl WriteXml for ToAdapter {
    fn write_xml(&self, sink: &mut dyn ElementSink) {
        sink.start(self.name(), Namespace::Link);
        self.write_content(sink);
        sink.end();
    }
}

impl ToAdapter {
    /// Returns the bytes of the texts in it, roughly: they make one element much larger than another.
    pub(crate) fn text_bytes(&self) -> usize {
        match self {
            Self::Users { users, .. } => users.iter().map(|(user, _)| user.len() + 16).sum(),
            Self::Publish {
                owner,
                registration,
                summary,
                ..
            } => owner.as_str().len() + publish_bytes(registration, summary),
            Self::Defer { recipients, .. } => recipients
                .iter()
                .map(|recipient| 64 + resource_bytes(&recipient.registration))
                .sum(),
            _ => 0,
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "hello",
            Self::Bye => "bye",
            Self::Ping => "ping",
            Self::Ack { .. } => "ack",
            Self::Defer { .. } => "defer",
            Self::Resume { .. } => "resume",
            Self::Users { .. } => "users",
            Self::Answer { .. } => "answer",
            Self::Publish { .. } => "publish",
        }
    }

    fn write_content(&self, sink: &mut dyn ElementSink) {
        match self {
            Self::Hello {
                session,
                instance,
                window,
                users,
                fence,
                want,
            } => {
                sink.number("version", VERSION);
                sink.attribute("session", session);
                sink.attribute("instance", instance);
                sink.number("window", *window);
                sink.number("users", *users);
                if let Some(fence) = fence {
                    sink.number("fence", *fence);
                }
                sink.leaf("want", Namespace::Link, want);
            }
            Self::Bye | Self::Ping => {}
            Self::Ack { session, numbers } | Self::Resume { session, numbers } => {
                sink.attribute("session", session);
                sink.text(&numbers.to_string());
            }
            Self::Defer {
                session,
                number,
                into,
                recipients,
            } => write_defer(sink, session, *number, *into, recipients),
            Self::Users {
                number,
                reset,
                users,
            } => write_users(sink, *number, *reset, users),
            Self::Answer { number, answer } => write_answer(sink, *number, answer),
            Self::Publish {
                number,
                timeout,
                class,
                owner,
                registration,
                summary,
            } => {
                sink.number("ref", *number);
                sink.attribute("to", registration.target.service.as_str());
                sink.number("timeout", *timeout);
                sink.attribute("class", class.as_str());
                sink.optional("user", owner.node().map(jid::NodeRef::as_str));
                sink.optional("resource", registration.resource.as_deref());
                Publish {
                    registration,
                    summary,
                }
                .write_xml(sink);
            }
        }
    }
}

fn publish_bytes(registration: &Registration, summary: &Summary) -> usize {
    let (target, fields) = (&registration.target, registration.options.fields());
    let options: usize = fields.map(|(name, value)| name.len() + value.len()).sum();
    let address = target.service.as_str().len() + target.node.as_str().len();
    let texts = [&summary.last_message_sender, &summary.last_message_body];
    let texts = texts.into_iter().flatten().map(String::len);
    let fields = summary.fields.iter().map(|(_, value)| value.len());
    let body: usize = texts.chain(fields).sum();
    resource_bytes(registration) + address + options + body
}

fn resource_bytes(registration: &Registration) -> usize {
    registration.resource.as_ref().map_or(0, String::len)
}

fn write_defer(
    sink: &mut dyn ElementSink,
    session: &str,
    number: u64,
    into: Option<u64>,
    recipients: &[Recipient],
) {
    sink.attribute("session", session);
    sink.number("n", number);
    if let Some(into) = into {
        sink.number("into", into);
    }
    for recipient in recipients {
        sink.start("for", Namespace::Link);
        sink.attribute("id", recipient.id.as_str());
        sink.optional("r", recipient.registration.resource.as_deref());
        sink.end();
    }
}

fn write_users(sink: &mut dyn ElementSink, number: u64, reset: bool, users: &[(String, bool)]) {
    sink.number("n", number);
    sink.optional("reset", reset.then_some("1"));
    for (user, some) in users {
        sink.leaf(if *some { "some" } else { "none" }, Namespace::Link, user);
    }
}

fn write_answer(sink: &mut dyn ElementSink, number: u64, answer: &Result<(), StanzaError>) {
    sink.number("ref", number);
    let Err(error) = answer else {
        return sink.attribute("type", "result");
    };
    sink.attribute("type", "error");
    sink.attribute("etype", error.kind.as_str());
    sink.attribute("condition", error.condition.as_str());
    sink.text(error.text.as_deref().unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xep::error::{DefinedCondition, ErrorType};
    use crate::xml::sample::written;

    #[test]
    fn an_answer_says_what_was_wrong() {
        let error =
            StanzaError::new(ErrorType::Modify, DefinedCondition::BadRequest).with_text("why");
        let refused = written(&ToAdapter::Answer {
            number: 7,
            answer: Err(error),
        });
        let root = refused.root();
        let attribute = |name| root.attribute(name);
        assert_eq!(
            (attribute("ref"), attribute("type")),
            (Some("7"), Some("error"))
        );
        assert_eq!(
            (attribute("etype"), attribute("condition")),
            (Some("modify"), Some("bad-request"))
        );
        assert_eq!(root.text(), "why");
        let done = written(&ToAdapter::Answer {
            number: 8,
            answer: Ok(()),
        });
        assert_eq!(done.root().attribute("type"), Some("result"));
        assert_eq!(done.root().text(), "");
    }

    #[test]
    fn users_are_named_in_order() {
        let users = vec![("alice".to_owned(), false), ("bob".to_owned(), true)];
        let stanza = written(&ToAdapter::Users {
            number: 3,
            reset: true,
            users,
        });
        let names: Vec<_> = stanza
            .root()
            .children()
            .map(|user| (user.name(), user.text()))
            .collect();
        assert_eq!(names, [("none", "alice".into()), ("some", "bob".into())]);
        assert_eq!(stanza.root().attribute("reset"), Some("1"));
    }
}
