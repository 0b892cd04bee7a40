//! The rules of XML 1.0 and its namespaces that a tokenizer leaves to its user: characters,
//! names, references.

use crate::error::MalformedError;
use memchr::{memchr, memchr_iter};

/// Whether all characters may stand in a document (XML 1.0 §2.2).
pub(crate) fn all_legal(source: &str) -> bool {
    let bytes = source.as_bytes();
    // No early exit, so that it runs in vector registers: nearly all stanzas pass.
    let control = |found, &byte| found | (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r'));
    if bytes.iter().fold(false, control) {
        return false;
    }
    memchr_iter(0xEF, bytes).all(|at| !is_noncharacter(&bytes[at..]))
}

/// Whether `bytes` begin with U+FFFE or U+FFFF.
pub(crate) fn is_noncharacter(bytes: &[u8]) -> bool {
    matches!(bytes, [0xEF, 0xBF, 0xBE | 0xBF, ..])
}

/// A character, or what stands for one that may not stand in a document.
pub(crate) fn legal_or_replaced(character: char) -> char {
    if is_legal(character) {
        character
    } else {
        char::REPLACEMENT_CHARACTER
    }
}

/// Whether two names or prefixes are equal.
///
/// Comparing two empty strings the usual way is slow where memcmp loads under a mask (AVX-512):
/// they point nowhere, and the fault that is suppressed costs more than all else.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && (a.is_empty() || a == b)
}

fn is_legal(character: char) -> bool {
    !matches!(character, '\0'..='\x08' | '\x0B' | '\x0C' | '\x0E'..='\x1F' | '\u{FFFE}' | '\u{FFFF}')
}

/// Splits a qualified name into prefix (empty if there is none) and local name.
pub(crate) fn split_name(name: &str) -> Result<(&str, &str), MalformedError> {
    let (prefix, local) = match memchr(b':', name.as_bytes()) {
        None => ("", name),
        Some(0) => return Err(MalformedError::Name),
        Some(colon) => (&name[..colon], &name[colon + 1..]),
    };
    if is_name(local) && (prefix.is_empty() || is_name(prefix)) {
        Ok((prefix, local))
    } else {
        Err(MalformedError::Name)
    }
}

/// Whether this is a name without colon (Namespaces in XML §3).
fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(starts_name) && characters.all(continues_name)
}

fn starts_name(c: char) -> bool {
    matches!(c,
        'a'..='z' | 'A'..='Z' | '_' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}'
        | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

fn continues_name(c: char) -> bool {
    starts_name(c)
        || matches!(c, '0'..='9' | '-' | '.' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// The character that `&reference;` stands for.
///
/// Only the five predefined entities exist, since a stream has no DTD (RFC 6120 §11.1).
pub(crate) fn resolve(reference: &str) -> Result<char, MalformedError> {
    let number = |digits: &str, radix| {
        let plain = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let code = u32::from_str_radix(digits, radix).ok().filter(|_| plain);
        let character = code.and_then(char::from_u32).filter(|c| is_legal(*c));
        character.ok_or(MalformedError::Character)
    };
    match reference {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => match reference.strip_prefix('#') {
            Some(code) => match code.strip_prefix('x') {
                Some(hex) => number(hex, 16),
                None => number(code, 10),
            },
            None => Err(MalformedError::Entity),
        },
    }
}

/// Whether [`normalize_attribute`] would change `raw`.
pub(crate) fn is_attribute_normal(raw: &str) -> bool {
    !raw.bytes()
        .any(|byte| matches!(byte, b'&' | b'\t' | b'\n' | b'\r'))
}

/// Appends the value of an attribute: references resolved, whitespace to spaces (XML 1.0 §3.3.3).
pub(crate) fn normalize_attribute(raw: &str, value: &mut String) -> Result<(), MalformedError> {
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '\t', '\n', '\r']) {
        value.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(reference) = rest.strip_prefix('&') {
            let (name, behind) = reference.split_once(';').ok_or(MalformedError::Entity)?;
            value.push(resolve(name)?);
            rest = behind;
        } else {
            value.push(' ');
            rest = rest.strip_prefix("\r\n").unwrap_or(&rest[1..]);
        }
    }
    value.push_str(rest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_noncharacters_are_illegal() {
        for legal in ["", "a\t\r\n\u{7F}\u{85}é\u{FFFD}\u{10FFFF}\u{FDD0}ﻼ"] {
            assert!(all_legal(legal), "{legal:?}");
        }
        for illegal in ["\0", "a\x0Bb", "\x1F", "x\u{FFFE}", "\u{FFFF}"] {
            assert!(!all_legal(illegal), "{illegal:?}");
        }
    }

    #[test]
    fn names_have_at_most_one_colon() {
        assert_eq!(split_name("a"), Ok(("", "a")));
        assert_eq!(split_name("p:élan-1.x"), Ok(("p", "élan-1.x")));
        for bad in [
            "", ":", ":a", "a:", "a:b:c", "1a", "-a", "p:1", "a<b", "a/", "a&b", "a\"", "\u{300}a",
        ] {
            assert_eq!(split_name(bad), Err(MalformedError::Name), "{bad}");
        }
    }

    #[test]
    fn only_predefined_entities_and_legal_characters_resolve() {
        assert_eq!(resolve("amp"), Ok('&'));
        assert_eq!(resolve("#65"), Ok('A'));
        assert_eq!(resolve("#x1F600"), Ok('\u{1F600}'));
        for (bad, error) in [
            ("nbsp", MalformedError::Entity),
            ("", MalformedError::Entity),
            ("#", MalformedError::Character),
            ("#x", MalformedError::Character),
            ("#+65", MalformedError::Character),
            ("#0", MalformedError::Character),
            ("#11", MalformedError::Character),
            ("#xD800", MalformedError::Character),
            ("#xFFFE", MalformedError::Character),
            ("#x110000", MalformedError::Character),
            ("#99999999999", MalformedError::Character),
        ] {
            assert_eq!(resolve(bad), Err(error), "{bad}");
        }
    }

    #[test]
    fn attribute_values_are_normalized() {
        let mut value = String::new();
        normalize_attribute("a\r\nb\tc\n&#10;&lt;&amp;lt;\r", &mut value).unwrap();
        assert_eq!(value, "a b c \n<&lt; ");
        for bad in ["&", "&amp", "&x;", "a & b;"] {
            assert_eq!(
                normalize_attribute(bad, &mut String::new()),
                Err(MalformedError::Entity)
            );
        }
    }
}
