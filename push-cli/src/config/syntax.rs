//! TOML, and where it goes wrong.

use super::problems::Problems;
use std::path::Path;
use toml::Table;

/// Reads a file.
pub(super) fn read(file: &Path) -> Result<String, Problems> {
    std::fs::read_to_string(file).map_err(|error| {
        let place = file.display().to_string();
        Problems::one(place, format!("cannot be read: {error}"))
    })
}

/// Parses a file's text. The problem names line and column and what is expected there, but does not quote the line, as
/// the library's own text of the error would: a secret may be in it.
pub(super) fn parse(text: &str, file: &Path) -> Result<Table, Problems> {
    text.parse().map_err(|error: toml::de::Error| {
        let file = file.display();
        let place = match error.span() {
            Some(span) => {
                let (line, column) = position(text, span.start);
                format!("{file}, line {line}, column {column}")
            }
            None => file.to_string(),
        };
        Problems::one(place, error.message())
    })
}

/// Returns line and column of a byte, in characters from 1.
fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::position;

    #[test]
    fn positions_count_characters_from_one() {
        let text = "a\n\u{fc}b\n";
        assert_eq!(position(text, 0), (1, 1));
        assert_eq!(position(text, 2), (2, 1));
        assert_eq!(position(text, 4), (2, 2));
        assert_eq!(position(text, text.len()), (3, 1));
    }
}
