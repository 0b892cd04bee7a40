//! Text that is almost right.

use super::super::random::Dice;

/// `text` with a few bytes changed, lines of it swapped or repeated.
pub fn mutated(dice: &mut Dice, text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..dice.below(4) {
        let at = dice.below(bytes.len().max(1));
        match dice.below(5) {
            0 => bytes.insert(at.min(bytes.len()), *dice.pick(b"<>/='\"& 09-aZ\0")),
            1 if at < bytes.len() => drop(bytes.remove(at)),
            2 if at < bytes.len() => bytes[at] = *dice.pick(b"<>/='\"& 0189-aZ"),
            3 => {
                let end = (at + dice.below(30)).min(bytes.len());
                let part = bytes[at.min(end)..end].to_vec();
                bytes.splice(at.min(end)..at.min(end), part);
            }
            _ => {
                let end = (at + dice.below(30)).min(bytes.len());
                bytes.drain(at.min(end)..end);
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `text` with values of attributes exchanged for odd ones: it stays well-formed.
pub fn odd(dice: &mut Dice, text: &str) -> String {
    const VALUES: [&str; 14] = [
        "",
        "0",
        "1",
        "-1",
        "18446744073709551615",
        "18446744073709551616",
        "x",
        "a@b/c",
        "example.org",
        "error",
        "1-18446744073709551615",
        "cancel",
        "item-not-found",
        "\u{1F600}",
    ];
    let mut parts: Vec<&str> = text.split('\'').collect();
    for _ in 0..=dice.below(2) {
        let values = parts.len() / 2;
        if values == 0 {
            break;
        }
        parts[2 * dice.below(values) + 1] = *dice.pick::<&str>(&VALUES);
    }
    parts.join("'")
}
