//! Keys and how they are written.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;
use thiserror::Error;
use zeroize::Zeroizing;

/// Bytes of a key.
const LENGTH: usize = 32;

/// A prefix that is hashed before a key for its name, so that the name is the hash of nothing else.
const LABEL: &[u8] = b"xmpp-push: name of a key\0";

/// One key. Debug shows its name.
#[derive(Clone)]
pub struct Key {
    name: String,
    // Overwritten when it is dropped.
    pub(super) cipher: XChaCha20Poly1305,
}

impl Key {
    /// The key that a text holds: 32 bytes as base64, white space around them does not count.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let bytes = STANDARD.decode(text.trim()).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| KeyError::NotBase64)?;
        let cipher = XChaCha20Poly1305::new_from_slice(&bytes)
            .map_err(|_| KeyError::Length { found: bytes.len() })?;
        let digest = Sha256::new().chain_update(LABEL).chain_update(&*bytes);
        let digest = digest.finalize();
        let [a, b, c, d] = [digest[0], digest[1], digest[2], digest[3]];
        let name = format!("{a:02x}{b:02x}{c:02x}{d:02x}");
        Ok(Self { name, cipher })
    }

    /// The name of the key: 8 hexadecimal digits, made from the key and no secret.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Keys of one name are one key, as good as always.
impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.name)
    }
}

/// Why a text is not a key; never shows the text.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// Something else than base64, or more than one line.
    #[error("does not hold one line of base64")]
    NotBase64,
    /// Too short or too long.
    #[error("holds {found} bytes, a key has {LENGTH}")]
    Length {
        /// How many bytes there are.
        found: usize,
    },
}

/// The keys in use; the first one seals, all of them open. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(Arc<[Key]>);

impl Keys {
    /// These keys. Without any, nothing is sealed and nothing sealed is opened.
    pub fn new(keys: Vec<Key>) -> Self {
        Self(keys.into())
    }

    /// The key that seals.
    pub fn first(&self) -> Option<&Key> {
        self.0.first()
    }

    /// The keys of that name: one, as good as always.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = &Key> {
        self.0.iter().filter(move |key| key.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(byte: u8) -> String {
        STANDARD.encode([byte; LENGTH])
    }

    #[test]
    fn a_key_is_read_with_its_line_end_and_named_after_itself_for_ever() {
        let key = Key::from_text(&format!("{}\n", text(7))).unwrap();
        assert_eq!(key.name(), "80224c6c");
        assert_ne!(Key::from_text(&text(8)).unwrap().name(), key.name());
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        let short = STANDARD.encode([7; 31]);
        for (text, expected) in [
            (short.as_str(), KeyError::Length { found: 31 }),
            ("", KeyError::Length { found: 0 }),
            ("hunter2!", KeyError::NotBase64),
            (&format!("{}\n{}", text(1), text(2)), KeyError::NotBase64),
        ] {
            let error = Key::from_text(text).unwrap_err();
            assert_eq!(error, expected);
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let keys = Keys::new(vec![Key::from_text(&text(7)).unwrap()]);
        assert_eq!(
            format!("{keys:?}"),
            format!("Keys([Key({})])", keys.0[0].name)
        );
    }
}
