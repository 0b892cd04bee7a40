//! Sets of numbers as `1-40 43`.

use super::decimal;
use std::fmt;

/// Ascending, disjoint, inclusive ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// The ranges that cover exactly `numbers`, which need not be sorted.
    pub fn of(numbers: impl IntoIterator<Item = u64>) -> Self {
        Self::joined(numbers.into_iter().map(|number| (number, number)).collect())
    }

    /// The ranges that cover exactly these (first, last), which need not be sorted and may overlap.
    pub fn joined(mut parts: Vec<(u64, u64)>) -> Self {
        parts.sort_unstable();
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for (first, last) in parts {
            match ranges.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => ranges.push((first, last)),
            }
        }
        Self(ranges)
    }

    /// Reads ranges; words that are none are passed over.
    pub fn read(text: &str) -> Self {
        let range = |word: &str| {
            let (start, end) = word.split_once('-').unwrap_or((word, word));
            let range = (decimal(start)?, decimal(end)?);
            (range.0 <= range.1).then_some(range)
        };
        Self::joined(text.split_ascii_whitespace().filter_map(range).collect())
    }

    /// Iterates over the ranges as (first, last), ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter().copied()
    }

    /// Returns whether `number` is in one of them.
    pub fn contains(&self, number: u64) -> bool {
        self.iter()
            .any(|(first, last)| (first..=last).contains(&number))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (start, end)) in self.0.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            if start == end {
                write!(f, "{space}{start}")?;
            } else {
                write!(f, "{space}{start}-{end}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Ranges;

    #[test]
    fn neighbours_join() {
        let ranges = Ranges::of([5, 1, 2, 3, 9, 10, 2]);
        assert_eq!(ranges.to_string(), "1-3 5 9-10");
        assert_eq!(Ranges::read("1-3 5 9-10"), ranges);
        assert!(ranges.contains(2) && ranges.contains(10) && !ranges.contains(4));
    }

    #[test]
    fn overlapping_parts_join() {
        let ranges = Ranges::joined(vec![(7, 9), (1, 5), (2, 3), (u64::MAX, u64::MAX), (6, 6)]);
        assert_eq!(ranges.to_string(), format!("1-9 {}", u64::MAX));
        assert_eq!(Ranges::read("7-9 1-5 2-3 6").to_string(), "1-9");
    }

    #[test]
    fn what_is_no_range_is_passed_over() {
        let ranges = Ranges::read("x 7-5 8 -3 +9 18446744073709551616");
        assert_eq!(ranges.to_string(), "8");
        assert!(Ranges::read("").is_empty());
    }
}
