//! XEP-0060: publishing with options (§7.1, §7.1.5).

use crate::registration::Registration;
use crate::xep::data_forms::write_submit;
use crate::xep::push::Summary;
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
