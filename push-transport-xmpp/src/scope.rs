//! Which namespace a prefix stands for.

use crate::error::MalformedError;
use push_core::xml::Namespace;
use std::borrow::Cow;

/// A prefix (empty: the default namespace) and what it stands for.
#[derive(Clone, Debug)]
pub(crate) struct Binding<'a> {
    prefix: Cow<'a, str>,
    uri: Cow<'a, str>,
    namespace: Namespace,
    /// Depth of the element that declares it.
    depth: usize,
}

impl<'a> Binding<'a> {
    /// Checks a declaration against the reserved names (Namespaces in XML §3).
    fn new(prefix: &'a str, uri: Cow<'a, str>, depth: usize) -> Result<Self, MalformedError> {
        let namespace = Namespace::from_uri(&uri);
        let is_xml = namespace == Namespace::Xml;
        let reserved = (prefix == "xml") != is_xml || prefix == "xmlns" || uri == XMLNS;
        if reserved || (uri.is_empty() && !prefix.is_empty()) {
            return Err(MalformedError::Declaration);
        }
        Ok(Self {
            prefix: Cow::Borrowed(prefix),
            uri,
            namespace,
            depth,
        })
    }

    fn into_owned(self) -> Binding<'static> {
        Binding {
            prefix: Cow::Owned(self.prefix.into_owned()),
            uri: Cow::Owned(self.uri.into_owned()),
            namespace: self.namespace,
            depth: 0,
        }
    }
}

const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// The declarations in force at one place of a document.
///
/// `base` is what the stream's header declares; it is in force in every stanza.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    base: &'a [Binding<'static>],
    bindings: Vec<Binding<'a>>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(base: &'a [Binding<'static>]) -> Self {
        Self {
            base,
            bindings: Vec::new(),
        }
    }

    /// Declarations in force, the header's left out.
    pub(crate) fn len(&self) -> usize {
        self.bindings.len()
    }

    pub(crate) fn declare(
        &mut self,
        prefix: &'a str,
        uri: Cow<'a, str>,
        depth: usize,
    ) -> Result<(), MalformedError> {
        let own = |binding: &&Binding<'_>| binding.depth == depth;
        let mut siblings = self.bindings.iter().rev().take_while(own);
        if siblings.any(|binding| binding.prefix == prefix) {
            return Err(MalformedError::Duplicate);
        }
        self.bindings.push(Binding::new(prefix, uri, depth)?);
        Ok(())
    }

    /// Forgets what elements deeper than `depth` declare.
    pub(crate) fn leave(&mut self, depth: usize) {
        while self.bindings.last().is_some_and(|last| last.depth > depth) {
            self.bindings.pop();
        }
    }

    /// The namespace of an element with this prefix.
    ///
    /// A prefix that nobody declared is [`Namespace::Other`] and no error: ejabberd passes on what
    /// a sender declared in the header of their own stream, so that any user could end this one.
    pub(crate) fn element(&self, prefix: &str) -> Namespace {
        match self.find(prefix) {
            Some(binding) => binding.namespace,
            None => match prefix {
                "" => Namespace::None,
                "xml" => Namespace::Xml,
                _ => Namespace::Other,
            },
        }
    }

    /// The namespace of an attribute: without prefix it has none.
    pub(crate) fn attribute(&self, prefix: &str) -> Namespace {
        match prefix {
            "" => Namespace::None,
            _ => self.element(prefix),
        }
    }

    /// What tells two attributes with the same local name apart.
    pub(crate) fn uri<'b>(&'b self, prefix: &'b str) -> &'b str {
        self.find(prefix).map_or(prefix, |binding| &binding.uri)
    }

    /// The declarations in force, to be the base of other scopes.
    pub(crate) fn into_base(self) -> Vec<Binding<'static>> {
        self.bindings.into_iter().map(Binding::into_owned).collect()
    }

    fn find(&self, prefix: &str) -> Option<&Binding<'_>> {
        // Comparing two empty strings is slow where memcmp loads under a mask (AVX-512): they
        // point nowhere, and the fault that is suppressed costs more than all else here.
        let named = |binding: &&Binding<'_>| match (prefix, &*binding.prefix) {
            ("", own) => own.is_empty(),
            (prefix, own) => prefix == own,
        };
        let inner = self.bindings.iter().rev();
        inner.chain(self.base.iter().rev()).find(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_declarations_hide_outer_ones_until_left() {
        let mut header = Scope::new(&[]);
        header
            .declare("", Cow::Borrowed("jabber:component:accept"), 1)
            .unwrap();
        let base = header.into_base();
        let mut scope = Scope::new(&base);
        assert_eq!(scope.element(""), Namespace::Component);
        scope
            .declare("", Cow::Borrowed("jabber:client"), 1)
            .unwrap();
        scope
            .declare("p", Cow::Borrowed("urn:xmpp:push:0"), 2)
            .unwrap();
        assert_eq!(
            (scope.element(""), scope.element("p")),
            (Namespace::Client, Namespace::Push)
        );
        assert_eq!(
            (scope.attribute(""), scope.attribute("p")),
            (Namespace::None, Namespace::Push)
        );
        scope.leave(1);
        assert_eq!(
            (scope.element(""), scope.element("p")),
            (Namespace::Client, Namespace::Other)
        );
        scope.leave(0);
        assert_eq!(scope.element(""), Namespace::Component);
    }

    #[test]
    fn reserved_names_cannot_be_bound() {
        let mut scope = Scope::new(&[]);
        for (prefix, uri) in [
            ("xml", "urn:x"),
            ("p", "http://www.w3.org/XML/1998/namespace"),
            ("xmlns", "urn:x"),
            ("p", XMLNS),
            ("p", ""),
        ] {
            let refused = scope.declare(prefix, Cow::Borrowed(uri), 1);
            assert_eq!(refused, Err(MalformedError::Declaration), "{prefix} {uri}");
        }
    }
}
