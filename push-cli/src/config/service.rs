//! `[[service]]`: which push services have which profile.

use super::reader::Reader;
use push_core::JidPattern;
use push_core::profile::{Profile, Profiles};

pub(super) const SECTION: &str = "service";

/// Reads the sections in their order: of those that fit a push service the first counts.
pub(super) fn profiles(reader: &mut Reader<'_>) -> Profiles {
    let sections = reader.sections(SECTION);
    let profiles = sections.iter().filter_map(|section| {
        let (jid, profile) = (pattern(reader, section), profile(reader, section));
        jid.zip(profile)
    });
    Profiles::new(profiles.collect())
}

fn pattern(reader: &mut Reader<'_>, section: &str) -> Option<JidPattern> {
    let path = format!("{section}.jid");
    let expected = "a bare JID, a domain, or domains such as \"*.example.net\"";
    let pattern = reader.parsed(&path, expected, JidPattern::read);
    reader.required(&path, pattern)
}

fn profile(reader: &mut Reader<'_>, section: &str) -> Option<&'static Profile> {
    let path = format!("{section}.profile");
    let known: Vec<_> = Profile::ALL
        .iter()
        .map(|known| (known.name, known))
        .collect();
    let profile = reader.choice(&path, &known);
    reader.required(&path, profile)
}
