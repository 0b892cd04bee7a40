//! Sealing one registration's options, and opening them.
//!
//! The text is `XC20P.KEY.DATA`: the cipher (XChaCha20-Poly1305, by JOSE's word for it), the name of the key, and as base64
//! the nonce, the ciphertext and its tag. Sealed is the JSON of the list of (field, value) pairs; owner, service and node
//! are associated data, so that the text opens in its own row only.

use super::keys::Keys;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::XNonce;
use chacha20poly1305::aead::{Aead, Generate, Payload};
use jid::BareJid;
use push_core::registration::{PublishOptions, Target};
use std::fmt;
use zeroize::Zeroizing;

const CIPHER: &str = "XC20P";

/// Bytes. Random ones of this length never repeat.
const NONCE: usize = 24;

/// Why something sealed was not opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unopened {
    /// Of this name; made from the key and no secret.
    NoKey(String),
    /// Another row's, changed, or cut.
    Damaged,
}

impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey(name) => write!(f, "sealed with the key {name}, which is not configured"),
            Self::Damaged => f.write_str("damaged, or moved from another row"),
        }
    }
}

/// `options` as a store shall keep them; as they are when there is nothing to seal or no key. `None` without randomness.
pub(super) fn seal(
    keys: &Keys,
    owner: &BareJid,
    target: &Target,
    options: &PublishOptions,
) -> Option<PublishOptions> {
    let clear = options.as_sealed().is_none() && !options.is_empty();
    let Some(key) = keys.first().filter(|_| clear) else {
        return Some(options.clone());
    };
    let fields: Vec<_> = options.fields().collect();
    let json = Zeroizing::new(serde_json::to_vec(&fields).ok()?);
    let nonce = XNonce::try_generate().ok()?;
    let bound = associated(owner, target);
    let payload = Payload {
        msg: &json,
        aad: &bound,
    };
    let sealed = key.cipher.encrypt(&nonce, payload).ok()?;
    let data = STANDARD.encode([nonce.as_slice(), &sealed].concat());
    Some(PublishOptions::sealed(format!(
        "{CIPHER}.{}.{data}",
        key.name()
    )))
}

/// The options in `text`, if it was sealed for this row.
pub(super) fn open(
    keys: &Keys,
    owner: &BareJid,
    target: &Target,
    text: &str,
) -> Result<PublishOptions, Unopened> {
    let (name, data) = parse(text).ok_or(Unopened::Damaged)?;
    let bound = associated(owner, target);
    let (nonce, msg) = data.split_at_checked(NONCE).ok_or(Unopened::Damaged)?;
    let nonce = XNonce::try_from(nonce).map_err(|_| Unopened::Damaged)?;
    let mut keys = keys.named(name).peekable();
    if keys.peek().is_none() {
        return Err(Unopened::NoKey(name.to_owned()));
    }
    let open = |key: &super::Key| {
        key.cipher
            .decrypt(&nonce, Payload { msg, aad: &bound })
            .ok()
    };
    let json = keys.find_map(open).map(Zeroizing::new);
    let json = json.ok_or(Unopened::Damaged)?;
    let fields = serde_json::from_slice(&json).map_err(|_| Unopened::Damaged)?;
    Ok(PublishOptions::new(fields))
}

/// Name of the key, and nonce with ciphertext.
fn parse(text: &str) -> Option<(&str, Vec<u8>)> {
    let (name, data) = text
        .strip_prefix(CIPHER)?
        .strip_prefix('.')?
        .split_once('.')?;
    Some((name, STANDARD.decode(data).ok()?))
}

/// Each part behind its length: no two rows have the same bytes.
fn associated(owner: &BareJid, target: &Target) -> Vec<u8> {
    let parts = [
        owner.as_str(),
        target.service.as_str(),
        target.node.as_str(),
    ];
    let part = |part: &str| [&(part.len() as u64).to_be_bytes(), part.as_bytes()].concat();
    parts.into_iter().flat_map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealed::Key;
    use push_core::registration::PubsubNode;

    fn keys(bytes: &[u8]) -> Keys {
        let key = |byte: &u8| Key::from_text(&STANDARD.encode([*byte; 32])).unwrap();
        Keys::new(bytes.iter().map(key).collect())
    }

    fn row(owner: &str, service: &str, node: &str) -> (BareJid, Target) {
        let target = Target {
            service: BareJid::new(service).unwrap(),
            node: PubsubNode::new(node),
        };
        (BareJid::new(owner).unwrap(), target)
    }

    fn options() -> PublishOptions {
        PublishOptions::new(vec![
            ("secret".into(), "hunter2".into()),
            ("b".into(), String::new()),
        ])
    }

    fn sealed(keys: &Keys, (owner, target): &(BareJid, Target)) -> String {
        let sealed = seal(keys, owner, target, &options()).unwrap();
        sealed.as_sealed().unwrap().to_owned()
    }

    #[test]
    fn what_is_sealed_opens_in_its_own_row_only() {
        let (keys, own) = (keys(&[1]), row("a@b", "c", "dn"));
        let text = sealed(&keys, &own);
        assert_eq!(open(&keys, &own.0, &own.1, &text), Ok(options()));
        for (owner, target) in [
            row("x@b", "c", "dn"),
            row("a@b", "x", "dn"),
            row("a@b", "c", "x"),
            // The same letters, divided otherwise.
            row("a@b", "cd", "n"),
        ] {
            assert_eq!(open(&keys, &owner, &target, &text), Err(Unopened::Damaged));
        }
    }

    #[test]
    fn no_two_sealed_texts_are_the_same() {
        let (keys, own) = (keys(&[1]), row("a@b", "c", "d"));
        assert_ne!(sealed(&keys, &own), sealed(&keys, &own));
    }

    #[test]
    fn every_changed_letter_is_noticed() {
        let (keys, own) = (keys(&[1]), row("a@b", "c", "d"));
        let text = sealed(&keys, &own);
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'B' { b'C' } else { b'B' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(open(&keys, &own.0, &own.1, &changed).is_err(), "at {at}");
            assert!(
                open(&keys, &own.0, &own.1, &text[..at]).is_err(),
                "cut at {at}"
            );
        }
    }

    #[test]
    fn the_first_key_seals_and_all_open() {
        let own = row("a@b", "c", "d");
        let old = sealed(&keys(&[1]), &own);
        let (rotated, reversed) = (keys(&[2, 1]), keys(&[1, 2]));
        let new = sealed(&rotated, &own);
        for (keys, text) in [(&rotated, &old), (&rotated, &new), (&reversed, &new)] {
            assert_eq!(open(keys, &own.0, &own.1, text), Ok(options()));
        }
        let unopened = open(&keys(&[1]), &own.0, &own.1, &new).unwrap_err();
        let name = rotated.first().unwrap().name();
        assert_eq!(unopened, Unopened::NoKey(name.to_owned()));
        assert!(unopened.to_string().contains(name));
    }

    #[test]
    fn nothing_is_sealed_without_a_key_and_no_nothing_with_one() {
        let (owner, target) = row("a@b", "c", "d");
        assert_eq!(
            seal(&keys(&[]), &owner, &target, &options()),
            Some(options())
        );
        let nothing = PublishOptions::default();
        assert_eq!(seal(&keys(&[1]), &owner, &target, &nothing), Some(nothing));
    }
}
