//! What `check` has found.

use serde_json::json;
use std::io::Write;

/// How good a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Good,
    Note,
    Bad,
}

impl Mark {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Note => "note",
            Self::Bad => "FAIL",
        }
    }
}

/// One verdict.
#[derive(Debug)]
struct Finding {
    mark: Mark,
    what: String,
    /// What to do about it.
    remedy: Option<String>,
}

/// All verdicts, in order.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn good(&mut self, what: impl Into<String>) {
        self.0.push(Finding {
            mark: Mark::Good,
            what: what.into(),
            remedy: None,
        });
    }

    pub(super) fn note(&mut self, what: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Finding {
            mark: Mark::Note,
            what: what.into(),
            remedy: Some(remedy.into()),
        });
    }

    pub(super) fn bad(&mut self, what: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Finding {
            mark: Mark::Bad,
            what: what.into(),
            remedy: Some(remedy.into()),
        });
    }

    pub(super) fn is_well(&self) -> bool {
        self.0.iter().all(|finding| finding.mark != Mark::Bad)
    }

    pub(super) fn print(&self, as_json: bool) {
        let mut out = std::io::stdout().lock();
        if as_json {
            let findings: Vec<_> = self.0.iter().map(Finding::json).collect();
            // A closed standard output is the reader's choice.
            return drop(writeln!(
                out,
                "{}",
                json!({ "ok": self.is_well(), "findings": findings })
            ));
        }
        for finding in &self.0 {
            drop(writeln!(
                out,
                "{:4}  {}",
                finding.mark.as_str(),
                finding.what
            ));
            if let Some(remedy) = &finding.remedy {
                drop(writeln!(out, "      → {remedy}"));
            }
        }
    }
}

impl Finding {
    fn json(&self) -> serde_json::Value {
        json!({ "verdict": self.mark.as_str(), "what": self.what, "remedy": self.remedy })
    }
}
