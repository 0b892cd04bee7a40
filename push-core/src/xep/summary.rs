//! XEP-0357 §7.1: what a notification says.

use crate::xep::data_forms::write_submit;
use crate::xml::{ElementSink, Namespace, WriteXml};
use std::fmt;

/// `FORM_TYPE` of the summary.
pub const SUMMARY: &str = "urn:xmpp:push:summary";

/// The notification's content: the form `urn:xmpp:push:summary` (§7.1). Debug shows no content.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many messages are unread or undelivered.
    pub message_count: Option<u64>,
    /// Who sent the newest.
    pub last_message_sender: Option<String>,
    /// What it says.
    pub last_message_body: Option<String>,
    /// Fields that only some push services know, in order.
    pub fields: Vec<(&'static str, String)>,
}

impl fmt::Debug for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Summary")
            .field("message_count", &self.message_count)
            .field("has_sender", &self.last_message_sender.is_some())
            .field("has_body", &self.last_message_body.is_some())
            .field("fields", &self.fields.len())
            .finish()
    }
}

impl WriteXml for Summary {
    fn write_xml(&self, sink: &mut dyn ElementSink) {
        let count = self.message_count.map(|count| count.to_string());
        let fields = [
            ("message-count", count.as_deref()),
            ("last-message-sender", self.last_message_sender.as_deref()),
            ("last-message-body", self.last_message_body.as_deref()),
        ];
        let present = fields
            .into_iter()
            .filter_map(|(var, value)| Some((var, value?)));
        let others = self.fields.iter().map(|(var, value)| (*var, &**value));
        let present = present.chain(others);
        sink.start("notification", Namespace::Push);
        write_submit(sink, SUMMARY, present);
        sink.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xep::data_forms::Form;
    use crate::xml::sample::written;

    #[test]
    fn a_summary_says_what_there_is_and_shows_no_content() {
        let summary = Summary {
            message_count: Some(2),
            last_message_sender: None,
            last_message_body: Some("hush".to_owned()),
            fields: vec![("jmi-sid", "hush".to_owned())],
        };
        let stanza = written(&summary);
        let form = Form::first_in(stanza.root()).unwrap();
        let names: Vec<_> = form.fields().filter_map(|field| field.var).collect();
        let expected = ["FORM_TYPE", "message-count", "last-message-body", "jmi-sid"];
        assert_eq!(names, expected);
        assert!(!format!("{summary:?}").contains("hush"));
    }
}
