//! Profiles of push services: what their errors say about a registration.
//!
//! XEP-0357 leaves it to push services which error means what, and they differ. A profile is a list of rules, of which the
//! first that fits an error counts.

mod known;
mod rule;
#[cfg(test)]
mod tests;

pub use known::Profile;
pub use rule::Verdict;

use crate::JidPattern;
use jid::BareJid;

/// Which push services have which profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profiles(Vec<(JidPattern, &'static Profile)>);

impl Profiles {
    /// Returns profiles by patterns, of which the first that fits counts; where none does, it is `xep-default`.
    pub fn new(by_pattern: Vec<(JidPattern, &'static Profile)>) -> Self {
        Self(by_pattern)
    }

    /// Returns the profile of a push service.
    pub fn of(&self, service: &BareJid) -> &'static Profile {
        let mut by_pattern = self.0.iter();
        let found = by_pattern.find(|(pattern, _)| pattern.fits(service));
        found.map_or(&Profile::ALL[0], |(_, profile)| profile)
    }
}
