//! Lines of a file, where a path alone says too little.

/// Returns the line of a section that may be there several times, by its number; both are counted from 1.
pub(super) fn of_section(text: &str, section: &str, number: usize) -> Option<usize> {
    let header = format!("[[{section}]]");
    let is_header = |line: &str| {
        let line = line.split('#').next().unwrap_or_default();
        let line: String = line.chars().filter(|c| !c.is_whitespace()).collect();
        line == header
    };
    let lines = (1..).zip(text.lines());
    let mut headers = lines.filter(|(_, line)| is_header(line));
    headers.nth(number.checked_sub(1)?).map(|(line, _)| line)
}

#[cfg(test)]
mod tests {
    use super::of_section;

    #[test]
    fn a_section_is_found_by_its_number() {
        let text = "[push]\n[[push.rules]]\na = 1\n  [[ push.rules ]] # second\n";
        assert_eq!(of_section(text, "push.rules", 1), Some(2));
        assert_eq!(of_section(text, "push.rules", 2), Some(4));
        assert_eq!(of_section(text, "push.rules", 3), None);
        assert_eq!(of_section(text, "push.rules", 0), None);
    }
}
