//! Names for what differs from run to run: JIDs, ids, times, the order of attributes and sessions.

use std::fmt::Write as _;

/// The names given so far.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Texts that are replaced wherever they stand.
    given: Vec<(String, String)>,
    /// Ids of messages, in the order of their appearance.
    ids: Vec<String>,
}

/// An element's start or end tag, or text.
enum Token<'a> {
    Tag(&'a str),
    Text(&'a str),
}

impl Names {
    /// Calls `word` by this name from now on.
    pub fn give(&mut self, word: impl Into<String>, name: impl Into<String>) {
        self.given.push((word.into(), name.into()));
        // The longest first: a name may be a part of another.
        self.given
            .sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
    }

    /// Returns an event as it stands in a transcript.
    pub fn normal(&mut self, event: &str) -> String {
        let named = self
            .given
            .iter()
            .fold(event.to_owned(), |text, (word, name)| {
                text.replace(word, name)
            });
        let mut elements: Vec<String> = tokens(&named)
            .map(|token| match token {
                Token::Tag(tag) => self.tag(tag),
                Token::Text(text) => text.to_owned(),
            })
            .collect();
        sort_sessions(&mut elements);
        elements.concat()
    }

    fn tag(&mut self, tag: &str) -> String {
        if tag.starts_with("</") {
            return tag.to_owned();
        }
        let inside = tag
            .trim_start_matches('<')
            .trim_end_matches('>')
            .trim_end_matches('/');
        let end = if tag.ends_with("/>") { "/>" } else { ">" };
        let (name, attributes) = inside.split_once(' ').unwrap_or((inside, ""));
        let mut attributes = attributes_of(attributes);
        attributes.sort_by_key(|(name, _)| rank(name));
        let mut written = format!("<{name}");
        for (attribute, value) in attributes {
            if let Some(value) = self.value(name, attribute, value) {
                let _ = write!(written, " {attribute}='{value}'");
            }
        }
        written + end
    }

    /// Returns the value of an attribute in a transcript; none if it does not stand there.
    fn value(&mut self, element: &str, attribute: &str, value: &str) -> Option<String> {
        match (element, attribute) {
            ("event", "first" | "last") => None,
            ("event", "keys") => {
                let keys = value.split(' ').map(|key| self.id(key));
                Some(keys.collect::<Vec<_>>().join(" "))
            }
            ("delay", "stamp") => Some("TIME".to_owned()),
            ("stanza-id" | "archived", "id") => Some(self.id(value)),
            _ => Some(value.to_owned()),
        }
    }

    fn id(&mut self, id: &str) -> String {
        let known = self.ids.iter().position(|known| known == id);
        let place = known.unwrap_or_else(|| {
            self.ids.push(id.to_owned());
            self.ids.len() - 1
        });
        format!("KEY-{}", place + 1)
    }
}

/// Attributes stand in the order in which the link's documents have them, all others in that of the alphabet.
fn rank(name: &str) -> (usize, String) {
    const FIRST: [&str; 6] = ["xmlns", "n", "kind", "user", "resource", "r"];
    let place = FIRST.iter().position(|first| *first == name);
    (place.unwrap_or(FIRST.len()), name.to_owned())
}

fn attributes_of(text: &str) -> Vec<(&str, &str)> {
    let mut attributes = Vec::new();
    let mut rest = text.trim();
    while let Some((name, after)) = rest.split_once('=') {
        let quote = &after[..1];
        let (value, after) = after[1..].split_once(quote).unwrap_or((&after[1..], ""));
        attributes.push((name, value));
        rest = after.trim_start();
    }
    attributes
}

fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    text.split_inclusive('>').flat_map(|piece| {
        let (before, tag) = piece.split_at(piece.find('<').unwrap_or(piece.len()));
        let before = (!before.is_empty()).then_some(Token::Text(before));
        let tag = (!tag.is_empty()).then_some(Token::Tag(tag));
        before.into_iter().chain(tag)
    })
}

/// Servers list sessions in no particular order.
fn sort_sessions(elements: &mut [String]) {
    let is_session = |element: &String| element.starts_with("<s ");
    let Some(first) = elements.iter().position(is_session) else {
        return;
    };
    let count = elements[first..]
        .iter()
        .take_while(|element| is_session(element))
        .count();
    elements[first..first + count].sort();
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn an_event_reads_the_same_whatever_the_run() {
        let mut names = Names::default();
        names.give("alice-7@h3.test", "alice@example.org");
        names.give("alice-7", "alice");
        let got = names.normal(
            "<event kind=\"queued\" n='1' user='alice-7' first='1790' xmlns='urn:x'><s p='1' r='b'/><s r='a'/>\
             <message to='alice-7@h3.test'><stanza-id id='x9'/><delay stamp='2026'/><body>a=b</body></message></event>",
        );
        assert_eq!(
            got,
            "<event xmlns='urn:x' n='1' kind='queued' user='alice'><s r='a'/><s r='b' p='1'/>\
             <message to='alice@example.org'><stanza-id id='KEY-1'/><delay stamp='TIME'/><body>a=b</body></message></event>"
        );
    }
}
