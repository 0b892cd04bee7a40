//! Which namespace a prefix stands for.

use crate::error::MalformedError;
use crate::xml::same;
use push_core::xml::Namespace;
use std::borrow::Cow;

/// A prefix (empty: the default namespace) and what it stands for.
#[derive(Clone, Debug)]
pub(crate) struct Binding<'a> {
    prefix: Cow<'a, str>,
    namespace: Namespace,
    /// Depth of the element that declares it.
    depth: usize,
}

/// The declarations in force at one place of a document.
///
/// `base` is what the stream's header declares; it is in force in every stanza.
///
/// Only the syntax of declarations is checked, since servers do not keep to their rules: ejabberd
/// passes on prefixes that a sender declared in the header of their own stream, and both ejabberd
/// and Prosody bind the XML namespace anew when a sender used its prefix. Were that an error, any
/// user could end the stream of any component.
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

    /// Binds a prefix in the element at `depth`.
    pub(crate) fn declare(
        &mut self,
        prefix: &'a str,
        uri: &str,
        depth: usize,
    ) -> Result<(), MalformedError> {
        let own = |binding: &&Binding<'_>| binding.depth == depth;
        let mut siblings = self.bindings.iter().rev().take_while(own);
        if siblings.any(|binding| same(&binding.prefix, prefix)) {
            return Err(MalformedError::Duplicate);
        }
        self.bindings.push(Binding {
            prefix: Cow::Borrowed(prefix),
            namespace: Namespace::from_uri(uri),
            depth,
        });
        Ok(())
    }

    /// Forgets what elements deeper than `depth` declare.
    pub(crate) fn leave(&mut self, depth: usize) {
        while self.bindings.last().is_some_and(|last| last.depth > depth) {
            self.bindings.pop();
        }
    }

    /// The namespace of an element with this prefix; [`Namespace::Other`] if nobody declared it.
    pub(crate) fn element(&self, prefix: &str) -> Namespace {
        let inner = self.bindings.iter().rev().chain(self.base.iter().rev());
        let binding = inner
            .into_iter()
            .find(|binding| same(&binding.prefix, prefix));
        match (binding, prefix) {
            (Some(binding), _) => binding.namespace,
            (None, "") => Namespace::None,
            (None, "xml") => Namespace::Xml,
            (None, _) => Namespace::Other,
        }
    }

    /// The namespace of an attribute: without prefix it has none.
    pub(crate) fn attribute(&self, prefix: &str) -> Namespace {
        match prefix {
            "" => Namespace::None,
            _ => self.element(prefix),
        }
    }

    /// The declarations in force, to be the base of other scopes.
    pub(crate) fn into_base(self) -> Vec<Binding<'static>> {
        let owned = |binding: Binding<'_>| Binding {
            prefix: Cow::Owned(binding.prefix.into_owned()),
            namespace: binding.namespace,
            depth: 0,
        };
        self.bindings.into_iter().map(owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_declarations_hide_outer_ones_until_left() {
        let mut header = Scope::new(&[]);
        header.declare("", "jabber:component:accept", 1).unwrap();
        let base = header.into_base();
        let mut scope = Scope::new(&base);
        assert_eq!(scope.element(""), Namespace::Component);
        scope.declare("", "jabber:client", 1).unwrap();
        scope.declare("p", "urn:xmpp:push:0", 2).unwrap();
        assert_eq!(scope.element(""), Namespace::Client);
        assert_eq!(scope.element("p"), Namespace::Push);
        assert_eq!(scope.attribute(""), Namespace::None);
        assert_eq!(scope.attribute("p"), Namespace::Push);
        scope.leave(1);
        assert_eq!(scope.element(""), Namespace::Client);
        assert_eq!(scope.element("p"), Namespace::Other);
        scope.leave(0);
        assert_eq!(scope.element(""), Namespace::Component);
    }

    #[test]
    fn an_element_declares_a_prefix_once() {
        let mut scope = Scope::new(&[]);
        scope.declare("p", "a", 1).unwrap();
        scope.declare("p", "b", 2).unwrap();
        assert_eq!(scope.declare("p", "c", 2), Err(MalformedError::Duplicate));
    }
}
