//! Elements for unit tests, without XML syntax.

use super::{ElementSink, Namespace, Stanza, StanzaBuilder, WriteXml};

/// An element to be: children and text in order.
#[derive(Clone)]
pub(crate) struct Sample {
    name: &'static str,
    namespace: Namespace,
    attributes: Vec<(&'static str, String)>,
    text: String,
    children: Vec<Sample>,
}

/// An empty element.
pub(crate) fn element(name: &'static str, namespace: Namespace) -> Sample {
    Sample {
        name,
        namespace,
        attributes: Vec::new(),
        text: String::new(),
        children: Vec::new(),
    }
}

impl Sample {
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.attributes.push((name, value.to_owned()));
        self
    }

    pub(crate) fn text(mut self, text: &str) -> Self {
        text.clone_into(&mut self.text);
        self
    }

    pub(crate) fn child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// As if it had been read.
    pub(crate) fn stanza(&self) -> Stanza {
        written(self)
    }
}

impl WriteXml for Sample {
    fn write_xml(&self, sink: &mut dyn ElementSink) {
        sink.start(self.name, self.namespace);
        self.attributes
            .iter()
            .for_each(|(name, value)| sink.attribute(name, value));
        sink.text(&self.text);
        self.children.iter().for_each(|child| child.write_xml(sink));
        sink.end();
    }
}

/// What a value writes, read.
pub(crate) fn written(value: &dyn WriteXml) -> Stanza {
    let mut sink = StanzaBuilder::new();
    value.write_xml(&mut sink);
    sink.finish().unwrap_or_else(|error| panic!("{error}"))
}
