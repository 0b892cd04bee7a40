//! XEP-0060: publishing with options (§7.1, §7.1.5).

use crate::registration::Registration;
use crate::xep::data_forms::write_submit;
use crate::xep::summary::Summary;
use crate::xml::{ElementSink, Namespace, WriteXml};

/// `FORM_TYPE` of publish-options.
pub const PUBLISH_OPTIONS: &str = "http://jabber.org/protocol/pubsub#publish-options";

/// The `<pubsub/>` that publishes a notification to a registration's node.
///
/// The item has no id, the options follow only when there are fields, and no field is our own
/// (push services check order and number).
#[derive(Clone, Copy, Debug)]
pub struct Publish<'a> {
    /// Where to, and with which options.
    pub registration: &'a Registration,
    /// What the notification says.
    pub summary: &'a Summary,
}

impl WriteXml for Publish<'_> {
    fn write_xml(&self, sink: &mut dyn ElementSink) {
        sink.start("pubsub", Namespace::Pubsub);
        sink.start("publish", Namespace::Pubsub);
        sink.attribute("node", self.registration.target.node.as_str());
        sink.start("item", Namespace::Pubsub);
        self.summary.write_xml(sink);
        sink.end();
        sink.end();
        if !self.registration.options.is_empty() {
            sink.start("publish-options", Namespace::Pubsub);
            write_submit(sink, PUBLISH_OPTIONS, self.registration.options.fields());
            sink.end();
        }
        sink.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registration::{Identity, PublishOptions, PubsubNode, Revision, Status, Target};
    use crate::xep::data_forms::Form;
    use crate::xml::sample::written;
    use crate::{BareJid, Timestamp};

    fn registration(fields: &[(&str, &str)]) -> Registration {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Registration {
            target: Target {
                service: BareJid::new("push.example.net").unwrap(),
                node: PubsubNode::new("n"),
            },
            options: PublishOptions::new(fields.iter().map(own).collect()),
            revision: Revision::new(1),
            status: Status::Active,
            resource: None,
            identity: Identity::Server,
            enabled_at: Timestamp::from_millis(1),
        }
    }

    #[test]
    fn options_follow_only_when_there_are_fields() {
        let summary = Summary::default();
        for fields in [&[][..], &[("secret", "s"), ("a", "")]] {
            let registration = registration(fields);
            let stanza = written(&Publish {
                registration: &registration,
                summary: &summary,
            });
            let publish = stanza.root().child("publish", Namespace::Pubsub).unwrap();
            assert_eq!(publish.attribute("node"), Some("n"));
            let item = publish.only_child().unwrap();
            assert_eq!(item.attributes().count(), 0, "the service names the item");
            let options = stanza.root().child("publish-options", Namespace::Pubsub);
            assert_eq!(options.is_some(), !fields.is_empty());
            let form = options.and_then(Form::first_in);
            let written = form.into_iter().flat_map(Form::fields).skip(1);
            let written: Vec<_> = written
                .map(|field| {
                    (
                        field.var.unwrap().to_owned(),
                        field.values[0].clone().into_owned(),
                    )
                })
                .collect();
            let expected: Vec<_> = registration
                .options
                .fields()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            assert_eq!(written, expected);
        }
    }
}
