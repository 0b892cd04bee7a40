//! Patterns of JIDs.

use jid::BareJid;

/// Some JIDs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JidPattern(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// This JID.
    Exactly(BareJid),
    /// All of this domain.
    Domain(BareJid),
    /// All of the domains below this one.
    Below(BareJid),
    /// All.
    All,
}

impl JidPattern {
    /// Reads a bare JID with a localpart, a domain, a domain with `*.` before it, or `*`.
    pub fn read(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self(Kind::All));
        }
        if let Some(domain) = text.strip_prefix("*.") {
            let domain = BareJid::new(domain).ok();
            let domain = domain.filter(|jid| jid.node().is_none());
            return domain.map(|domain| Self(Kind::Below(domain)));
        }
        let jid = BareJid::new(text).ok()?;
        Some(Self(if jid.node().is_some() {
            Kind::Exactly(jid)
        } else {
            Kind::Domain(jid)
        }))
    }

    /// Returns whether an entity is one of these.
    pub fn fits(&self, jid: &BareJid) -> bool {
        self.fits_parts(jid.as_str(), jid.domain().as_str())
    }

    /// Returns whether an entity is one of these that has this bare JID and domain. They need not be prepared, but for letters of ASCII
    /// no two forms of one JID are alike.
    pub(crate) fn fits_parts(&self, jid: &str, domain: &str) -> bool {
        match &self.0 {
            Kind::Exactly(of) => of.as_str().eq_ignore_ascii_case(jid),
            Kind::Domain(of) => of.as_str().eq_ignore_ascii_case(domain),
            Kind::Below(of) => {
                let split = domain.len().checked_sub(of.as_str().len());
                let parts = split.and_then(|at| domain.split_at_checked(at));
                parts.is_some_and(|(below, domain)| {
                    let is_below = below.len() > 1 && below.ends_with('.');
                    is_below && of.as_str().eq_ignore_ascii_case(domain)
                })
            }
            Kind::All => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_what_it_says() {
        let cases: &[(&str, &[&str], &[&str])] = &[
            (
                "push.example.net",
                &["push.example.net", "node@push.example.net"],
                &["example.net", "a.push.example.net"],
            ),
            (
                "node@push.example.net",
                &["node@push.example.net"],
                &["push.example.net", "other@push.example.net"],
            ),
            (
                "*.example.net",
                &[
                    "push.example.net",
                    "a.push.example.net",
                    "n@push.example.net",
                ],
                &["example.net", "pushexample.net", ".example.net.org"],
            ),
            ("*", &["push.example.net", "node@example.org"], &[]),
        ];
        for (text, fitting, others) in cases {
            let pattern = JidPattern::read(text).unwrap();
            let fits = |jid: &&&str| pattern.fits(&BareJid::new(jid).unwrap());
            assert!(fitting.iter().all(|jid| fits(&jid)), "{text}");
            let others = others.iter().filter(|jid| BareJid::new(jid).is_ok());
            assert_eq!(others.filter(fits).count(), 0, "{text}");
        }
        for text in ["", "*.", "*.a@b", "a b@c", "node@"] {
            assert_eq!(JidPattern::read(text), None, "{text}");
        }
    }

    #[test]
    fn letters_are_prepared_as_in_any_jid() {
        let pattern = JidPattern::read("*.EXAMPLE.net").unwrap();
        assert!(pattern.fits(&BareJid::new("Push.example.net").unwrap()));
    }
}
