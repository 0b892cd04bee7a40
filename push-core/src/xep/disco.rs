//! XEP-0030: service discovery.

use crate::xml::{ElementSink, Namespace, WriteXml};

/// A disco#info result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// The node asked for.
    pub node: Option<String>,
    /// (category, type, name) of the component itself; a node of XEP-0355 has none.
    pub identity: Option<(&'static str, &'static str, &'static str)>,
    /// Features, by namespace.
    pub features: Vec<&'static str>,
}

impl WriteXml for Info {
    fn write_xml(&self, sink: &mut dyn ElementSink) {
        sink.start("query", Namespace::DiscoInfo);
        sink.optional("node", self.node.as_deref());
        if let Some((category, kind, name)) = self.identity {
            sink.start("identity", Namespace::DiscoInfo);
            sink.attribute("category", category);
            sink.attribute("type", kind);
            sink.attribute("name", name);
            sink.end();
        }
        for feature in &self.features {
            sink.start("feature", Namespace::DiscoInfo);
            sink.attribute("var", feature);
            sink.end();
        }
        sink.end();
    }
}
