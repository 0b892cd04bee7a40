//! What is wrong with a stream, named without quoting it: content may be a body or a secret.

use thiserror::Error;

/// Why bytes cannot be framed. The stream is of no use afterwards.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FramingError {
    /// Comments, processing instructions and DTDs, which RFC 6120 §11.1 forbids.
    #[error("a comment, processing instruction or DTD")]
    Restricted,
    /// Character data other than whitespace between stanzas.
    #[error("text between stanzas")]
    Text,
    /// The start tag of the stream is over the limit, or closes itself.
    #[error("not a stream header")]
    Header,
}

/// The peer sent what is not well-formed, or what RFC 6120 §11 forbids. Ends the stream.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MalformedError {
    /// The bytes cannot be cut into stanzas.
    #[error(transparent)]
    Framing(#[from] FramingError),
    /// A reference to a character that XML does not allow.
    #[error("a reference to an illegal character")]
    Character,
    /// An entity that is not predefined, or `&` alone.
    #[error("an undefined entity")]
    Entity,
    /// Not a name of an element or attribute.
    #[error("an illegal name")]
    Name,
    /// An attribute without value or quotes, or with `<` in its value.
    #[error("a malformed attribute")]
    Attribute,
    /// An attribute that occurs twice.
    #[error("a duplicate attribute")]
    Duplicate,
    /// `]]>` in character data.
    #[error("the end of a CDATA section that did not begin")]
    Text,
    /// Tags that do not match, and whatever else is no element.
    #[error("tags that do not match")]
    Tags,
    /// The stream's root is not `<stream/>` in its namespace, or has no id.
    #[error("not a stream header")]
    Header,
}

impl MalformedError {
    /// The condition to tell the peer (RFC 6120 §4.9.3).
    pub(crate) fn condition(self) -> &'static str {
        match self {
            Self::Framing(FramingError::Restricted) => "restricted-xml",
            Self::Framing(FramingError::Header) | Self::Header => "invalid-xml",
            _ => "not-well-formed",
        }
    }
}
