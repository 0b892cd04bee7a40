//! RFC 6120 §8.2.3: requests and answers.

use crate::xep::disco::Info;
use crate::xep::error::StanzaError;
use crate::xml::{ElementRef, ElementSink, Namespace, WriteXml};

/// The type of an IQ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IqType {
    /// A question.
    Get,
    /// A request that changes something.
    Set,
    /// An answer.
    Result,
    /// A refusal.
    Error,
}

/// An IQ, read.
#[derive(Clone, Copy, Debug)]
pub struct Iq<'a> {
    /// The element.
    pub element: ElementRef<'a>,
    /// Its type.
    pub kind: IqType,
    /// Its id; empty when a broken peer left it out.
    pub id: &'a str,
}

impl<'a> Iq<'a> {
    /// Reads an `<iq/>` of either stanza namespace.
    pub fn read(element: ElementRef<'a>) -> Option<Self> {
        let stanza = matches!(
            element.namespace(),
            Namespace::Client | Namespace::Component
        );
        if element.name() != "iq" || !stanza {
            return None;
        }
        let kind = match element.attribute("type")? {
            "get" => IqType::Get,
            "set" => IqType::Set,
            "result" => IqType::Result,
            "error" => IqType::Error,
            _ => return None,
        };
        Some(Self {
            element,
            kind,
            id: element.attribute("id").unwrap_or_default(),
        })
    }

    /// The error of an IQ of type error; one without an `<error/>` is an undefined one.
    pub fn error(self) -> StanzaError {
        let own = self.element.namespace();
        let undefined = || {
            let condition = super::error::DefinedCondition::UndefinedCondition;
            StanzaError::new(condition.usual_type(), condition)
        };
        self.element
            .child("error", own)
            .map_or_else(undefined, StanzaError::read)
    }
}

/// What an answer holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// An empty result.
    Done,
    /// A disco#info result.
    Info(Info),
    /// A refusal.
    Error(StanzaError),
}

/// An answer of the component itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IqAnswer {
    /// The address that was asked.
    pub from: String,
    /// Who asked.
    pub to: String,
    /// The id of the question.
    pub id: String,
    /// What is answered.
    pub answer: Answer,
}

impl WriteXml for IqAnswer {
    fn write_xml(&self, sink: &mut dyn ElementSink) {
        write_answer(sink, Namespace::Component, self);
    }
}

/// Writes an answer in either stanza namespace: delegation wraps one of a client.
pub(crate) fn write_answer(sink: &mut dyn ElementSink, namespace: Namespace, iq: &IqAnswer) {
    sink.start("iq", namespace);
    sink.attribute(
        "type",
        if matches!(iq.answer, Answer::Error(_)) {
            "error"
        } else {
            "result"
        },
    );
    sink.attribute("from", &iq.from);
    sink.attribute("to", &iq.to);
    sink.attribute("id", &iq.id);
    match &iq.answer {
        Answer::Done => {}
        Answer::Info(info) => info.write_xml(sink),
        Answer::Error(error) => {
            sink.start("error", namespace);
            error.write_content(sink);
            sink.end();
        }
    }
    sink.end();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::sample::{element, written};

    #[test]
    fn an_iq_needs_a_known_type() {
        let read = |kind: Option<&str>| {
            let iq = element("iq", Namespace::Component).with("id", "7");
            let iq = kind.map_or(iq.clone(), |kind| iq.with("type", kind));
            Iq::read(iq.stanza().root()).map(|iq| iq.kind)
        };
        assert_eq!(read(Some("get")), Some(IqType::Get));
        assert_eq!(read(Some("set")), Some(IqType::Set));
        assert_eq!(read(Some("result")), Some(IqType::Result));
        assert_eq!(read(Some("error")), Some(IqType::Error));
        assert_eq!(read(Some("shiny")), None);
        assert_eq!(read(None), None);
    }

    #[test]
    fn an_error_without_error_is_undefined() {
        let stanza = element("iq", Namespace::Component)
            .with("type", "error")
            .stanza();
        let error = Iq::read(stanza.root()).unwrap().error();
        assert_eq!(
            error.condition,
            crate::xep::error::DefinedCondition::UndefinedCondition
        );
    }

    #[test]
    fn answers_go_back_under_the_question_s_id() {
        let stanza = written(&IqAnswer {
            from: "a".to_owned(),
            to: "b".to_owned(),
            id: "7".to_owned(),
            answer: Answer::Done,
        });
        let iq = Iq::read(stanza.root()).unwrap();
        assert_eq!((iq.kind, iq.id), (IqType::Result, "7"));
        assert!(stanza.root().children().next().is_none());
    }
}
