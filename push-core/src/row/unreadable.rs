//! Rows that are left out of an answer.

use super::error::RowError;

/// Counts the rows that cannot be read. A store leaves them out of its answer, and logs how many there were.
#[derive(Clone, Copy, Debug, Default)]
pub struct UnreadableRows {
    count: usize,
    first: Option<RowError>,
}

impl UnreadableRows {
    /// Returns what was read from a row; one that cannot be read is counted, and `log` is told why.
    pub fn note<T>(&mut self, read: Result<T, RowError>, log: impl FnOnce(RowError)) -> Option<T> {
        match read {
            Ok(read) => Some(read),
            Err(error) => {
                self.count += 1;
                self.first.get_or_insert(error);
                log(error);
                None
            }
        }
    }

    /// Returns how many there were. If there were any, `log` is told their number and what is wrong with the first.
    pub fn finish(self, log: impl FnOnce(usize, RowError)) -> usize {
        if let Some(first) = self.first {
            log(self.count, first);
        }
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ODD: RowError = RowError::Column { column: "status" };

    #[test]
    fn each_is_told_and_the_first_once_more_with_their_number() {
        let mut rows = UnreadableRows::default();
        let mut told = Vec::new();
        for read in [Ok(1), Err(ODD), Ok(2), Err(RowError::Newer { found: 9 })] {
            let expected = read.ok();
            assert_eq!(rows.note(read, |error| told.push(error)), expected);
        }
        assert_eq!(told, [ODD, RowError::Newer { found: 9 }]);
        let mut summary = None;
        assert_eq!(
            rows.finish(|count, first| summary = Some((count, first))),
            2
        );
        assert_eq!(summary, Some((2, ODD)));
    }

    #[test]
    fn where_all_were_read_nothing_is_told() {
        let mut rows = UnreadableRows::default();
        rows.note(Ok(1), |_| unreachable!());
        assert_eq!(rows.finish(|_, _| unreachable!()), 0);
    }
}
