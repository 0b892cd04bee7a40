//! The format of an export: JSON Lines, version 1.
//!
//! A header, one registration a line in the order of (owner, service, node), and a trailer with their number. Times are
//! Unix milliseconds. The revision is a string: it has up to 19 digits, and many JSON tools keep 15.

use push_core::registration::{Identity, PublishOptions, PubsubNode, Revision, Target};
use push_core::row::{MAX_KEY, StatusColumns};
use push_core::{BareJid, Registration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use thiserror::Error;

const FORMAT: &str = "xmpp-push-registrations";
const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    format: String,
    version: u32,
    /// Whether sealed options were left sealed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    as_stored: bool,
}

impl Header {
    pub(super) fn new(as_stored: bool) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            as_stored,
        }
    }

    pub(super) fn text(&self) -> String {
        // A text, a number and a truth value always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The header in a line, if it is one of a version this program reads.
    pub(super) fn read(json: &[u8]) -> Result<Self, LineError> {
        let header: Self = serde_json::from_slice(json).map_err(|_| LineError::NoHeader)?;
        match header.version {
            _ if header.format != FORMAT => Err(LineError::NoHeader),
            VERSION => Ok(header),
            found => Err(LineError::Newer { found }),
        }
    }
}

/// The last line, without which a file is not complete.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trailer {
    complete: bool,
    /// How many lines of registrations there are.
    pub(super) registrations: u64,
}

impl Trailer {
    pub(super) fn new(registrations: u64) -> Self {
        Self {
            complete: true,
            registrations,
        }
    }
}

/// A registration as a line. `refusals`, `days`, `since` and `last` are there only when it is not active.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    owner: String,
    service: String,
    node: String,
    revision: String,
    status: String,
    #[serde(default, skip_serializing_if = "is_zero")]
    refusals: i32,
    #[serde(default, skip_serializing_if = "is_zero")]
    days: i32,
    #[serde(default, skip_serializing_if = "is_zero")]
    since: i64,
    #[serde(default, skip_serializing_if = "is_zero")]
    last: i64,
    enabled_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    identity: Identity,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    options: Vec<Field>,
    /// In place of `options`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Field {
    name: String,
    value: String,
}

fn is_zero<T: Default + PartialEq>(number: &T) -> bool {
    *number == T::default()
}

/// Whose, and what.
pub(super) type Entry = (BareJid, Registration);

impl Line {
    pub(super) fn new(owner: &BareJid, registration: &Registration) -> Self {
        let StatusColumns {
            status,
            refusals,
            days,
            since,
            last,
        } = registration.status.into();
        let options = &registration.options;
        let field = |(name, value): (&str, &str)| Field {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        Self {
            owner: owner.to_string(),
            service: registration.target.service.to_string(),
            node: registration.target.node.as_str().to_owned(),
            revision: registration.revision.as_u64().to_string(),
            status,
            refusals,
            days,
            since,
            last,
            enabled_at: i64::try_from(registration.enabled_at.as_millis()).unwrap_or(i64::MAX),
            resource: registration.resource.clone(),
            identity: registration.identity,
            options: options.fields().map(field).collect(),
            sealed: options.as_sealed().map(str::to_owned),
        }
    }

    fn entry(self) -> Result<Entry, LineError> {
        let value = |field| move || LineError::Value { field };
        if self.owner.len() + self.service.len() + self.node.len() > MAX_KEY {
            return Err(LineError::LongKey);
        }
        let status = StatusColumns {
            status: self.status,
            refusals: self.refusals,
            days: self.days,
            since: self.since,
            last: self.last,
        };
        let revision = self.revision.parse().ok();
        let revision = revision.filter(|number: &i64| *number >= 0);
        let enabled_at = u64::try_from(self.enabled_at).ok();
        let registration = Registration {
            target: Target {
                service: BareJid::new(&self.service).map_err(|_| value("service")())?,
                node: PubsubNode::new(self.node),
            },
            options: options(self.options, self.sealed)?,
            revision: revision
                .map(|number| Revision::new(number.cast_unsigned()))
                .ok_or_else(value("revision"))?,
            status: status.try_into().map_err(|_| value("status")())?,
            resource: self.resource,
            identity: self.identity,
            enabled_at: enabled_at
                .map(Timestamp::from_millis)
                .ok_or_else(value("enabled_at"))?,
        };
        let owner = BareJid::new(&self.owner).map_err(|_| value("owner")())?;
        Ok((owner, registration))
    }
}

fn options(fields: Vec<Field>, sealed: Option<String>) -> Result<PublishOptions, LineError> {
    match sealed {
        None => Ok(PublishOptions::new(
            fields
                .into_iter()
                .map(|field| (field.name, field.value))
                .collect(),
        )),
        Some(text) if fields.is_empty() => Ok(PublishOptions::sealed(text)),
        Some(_) => Err(LineError::Value { field: "sealed" }),
    }
}

/// What a line behind the header is.
#[derive(Debug)]
pub(super) enum Content {
    Entry(Box<Entry>),
    Trailer(Trailer),
}

/// Reads a line behind the header.
pub(super) fn read(json: &[u8]) -> Result<Content, LineError> {
    let line = match serde_json::from_slice::<Line>(json) {
        Ok(line) => line,
        Err(error) => {
            let trailer = serde_json::from_slice(json).map(Content::Trailer);
            return trailer.map_err(|_| LineError::from(&error));
        }
    };
    line.entry().map(|entry| Content::Entry(Box::new(entry)))
}

/// Why a line cannot be read. Shows nothing of it: it holds secrets, and serde's texts quote values.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(super) enum LineError {
    #[error("this is no export of registrations")]
    NoHeader,
    #[error("an export of version {found}, this program reads {VERSION}")]
    Newer { found: u32 },
    #[error("no JSON from column {column} on")]
    NoJson { column: usize },
    #[error(
        "no registration: a key is missing, unknown or of another type, before column {column}"
    )]
    Shape { column: usize },
    #[error("the export was begun otherwise: with or without --as-stored")]
    OtherHeader,
    #[error("{field} cannot be read")]
    Value { field: &'static str },
    #[error("owner, service and node are longer than {MAX_KEY} bytes together")]
    LongKey,
    #[error("longer than {} bytes", super::lines::LONGEST)]
    Long,
    #[error("more lines behind the last")]
    Behind,
}

impl From<&serde_json::Error> for LineError {
    fn from(error: &serde_json::Error) -> Self {
        let column = error.column();
        match error.classify() {
            Category::Data => Self::Shape { column },
            Category::Io | Category::Syntax | Category::Eof => Self::NoJson { column },
        }
    }
}

#[cfg(test)]
mod tests;
