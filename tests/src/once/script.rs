//! The paragraphs of a transcript.

use crate::world::xml;

/// A transcript.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script(pub Vec<Paragraph>);

/// One paragraph of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paragraph {
    /// Something happens.
    Then(String),
    /// The events that the adapter tells, as XML.
    In(Vec<String>),
    /// How many messages each device was told of.
    Told(Vec<(String, u64)>),
    /// For the reader alone.
    Prose(String),
}

impl Script {
    /// Reads a transcript.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let paragraphs = text.split("\n\n").map(|part| part.trim_matches('\n'));
        Self(paragraphs.map(Paragraph::read).collect())
    }

    /// Returns it as it stands in its file.
    #[must_use]
    pub fn write(&self) -> String {
        let paragraphs = self.0.iter().map(Paragraph::write);
        paragraphs.collect::<Vec<_>>().join("\n\n") + "\n"
    }

    /// Returns the same without what adapters tell.
    #[must_use]
    pub fn without_events(&self) -> Self {
        let is_kept = |paragraph: &&Paragraph| !matches!(paragraph, Paragraph::In(_));
        Self(self.0.iter().filter(is_kept).cloned().collect())
    }

    /// Returns how many events follow each thing that happens.
    #[must_use]
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = Vec::new();
        for paragraph in &self.0 {
            match paragraph {
                Paragraph::Then(_) => counts.push(0),
                Paragraph::In(events) => counts
                    .last_mut()
                    .into_iter()
                    .for_each(|count| *count += events.len()),
                Paragraph::Told(_) | Paragraph::Prose(_) => {}
            }
        }
        counts
    }
}

impl Paragraph {
    fn read(text: &str) -> Self {
        if let Some(sentence) = text.strip_prefix("then: ") {
            Self::Then(sentence.to_owned())
        } else if let Some(events) = text.strip_prefix("in:\n") {
            Self::In(elements(events))
        } else if let Some(told) = text.strip_prefix("told: ") {
            Self::Told(told.split(", ").filter_map(device).collect())
        } else {
            Self::Prose(text.to_owned())
        }
    }

    fn write(&self) -> String {
        match self {
            Self::Then(sentence) => format!("then: {sentence}"),
            Self::In(events) => {
                let lines = events.iter().flat_map(|event| lines(event));
                lines.fold("in:".to_owned(), |text, line| text + "\n  " + &line)
            }
            Self::Told(devices) if devices.is_empty() => "told: nobody".to_owned(),
            Self::Told(devices) => {
                let devices = devices
                    .iter()
                    .map(|(device, count)| format!("{count} {device}"));
                format!("told: {}", devices.collect::<Vec<_>>().join(", "))
            }
            Self::Prose(text) => text.clone(),
        }
    }
}

/// Reads `1 phone`.
fn device(text: &str) -> Option<(String, u64)> {
    let (count, device) = text.split_once(' ')?;
    Some((device.to_owned(), count.parse().unwrap()))
}

/// Returns an event in lines: its sessions are one, its message is one.
fn lines(event: &str) -> Vec<String> {
    let (start, rest) = event.split_at(event.find('>').map_or(event.len(), |end| end + 1));
    let mut lines = vec![start.to_owned()];
    if let Some(content) = rest.strip_suffix("</event>") {
        let (sessions, message) =
            content.split_at(content.find("<message").unwrap_or(content.len()));
        let parts = [sessions, message]
            .into_iter()
            .filter(|part| !part.is_empty());
        lines.extend(parts.map(|part| format!("  {part}")));
        lines.push("</event>".to_owned());
    }
    lines
}

/// Returns the elements in an indented text, each on one line.
fn elements(text: &str) -> Vec<String> {
    let line = text.lines().map(str::trim).collect::<String>();
    let stanza = xml::parse(&format!("<message>{line}</message>"));
    let elements = stanza
        .root()
        .children()
        .map(|child| child.source().to_owned());
    elements.collect()
}
