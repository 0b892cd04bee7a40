//! The push services whose errors are known, as data.

use super::rule::{COMMON, Rule, Verdict};
use crate::xep::error::{DefinedCondition, ErrorType, StanzaError};

/// The knowledge about a kind of push service.
#[derive(Debug)]
pub struct Profile {
    /// Its name in the configuration.
    pub name: &'static str,
    /// Whether it is known to wake a device without showing anything when a notification has no body.
    pub understands_silent: bool,
    /// In their order. Where none of them fits, [`COMMON`] does.
    rules: &'static [Rule],
}

impl Profile {
    /// Every profile; the first is for push services of which nothing is known.
    pub const ALL: &'static [Self] = &[
        Self {
            name: "xep-default",
            understands_silent: false,
            rules: &[],
        },
        // Says `cancel` and `bad-request` also of passing faults of APNs and FCM; of a dead token it says `policy-violation`.
        // Whatever it gets is a loud push.
        Self {
            name: "fpush",
            understands_silent: false,
            rules: &[
                Rule::of(&[DefinedCondition::PolicyViolation], Verdict::Ends)
                    .typed(&[ErrorType::Cancel]),
            ],
        },
        // Says `recipient-unavailable` when APNs or FCM has failed.
        Self {
            name: "p2",
            understands_silent: true,
            rules: &[Rule::of(
                &[DefinedCondition::RecipientUnavailable],
                Verdict::Passes,
            )],
        },
        Self {
            name: "mod_push_appserver",
            understands_silent: true,
            rules: &[],
        },
        // Tigase's own server takes these for passing.
        Self {
            name: "tigase",
            understands_silent: false,
            rules: &[Rule::of(
                &[
                    DefinedCondition::BadRequest,
                    DefinedCondition::InternalServerError,
                    DefinedCondition::ServiceUnavailable,
                ],
                Verdict::Passes,
            )],
        },
        // A node of type push: `not-acceptable` of type `cancel` when the device is gone, `forbidden` when the node lets the
        // user's server not publish.
        Self {
            name: "mongooseim",
            understands_silent: false,
            rules: &[
                Rule::of(&[DefinedCondition::NotAcceptable], Verdict::Ends)
                    .typed(&[ErrorType::Cancel]),
                Rule::of(&[DefinedCondition::Forbidden], Verdict::Counts).typed(&[ErrorType::Auth]),
            ],
        },
        // As MongooseIM judges: by the type alone.
        Self {
            name: "reference",
            understands_silent: false,
            rules: &[
                Rule::all(Verdict::Ends).typed(&[ErrorType::Cancel]),
                Rule::all(Verdict::Passes),
            ],
        },
    ];

    /// Returns the meaning of an error by the push service itself.
    pub fn verdict(&self, error: &StanzaError) -> Verdict {
        let mut rules = self.rules.iter().chain(COMMON);
        let rule = rules.find(|rule| rule.fits(error));
        rule.map_or(Verdict::Passes, |rule| rule.verdict)
    }
}

impl PartialEq for Profile {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Profile {}
