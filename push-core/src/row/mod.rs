//! A registration as stores keep it: columns to query and one JSON document.

mod error;
mod status;
mod time;
mod unreadable;

pub use error::{DOCUMENT_VERSION, RowError};
pub use status::StatusColumns;
pub use unreadable::UnreadableRows;

use crate::registration::{Identity, PublishOptions, PubsubNode, Registration, Revision, Target};
use jid::BareJid;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::{millis, timestamp};

/// The first version with sealed options.
const SEALED_VERSION: u32 = 2;

/// The longest key, in bytes: owner, service and node together. PostgreSQL's index rows end at 2704 bytes.
pub const MAX_KEY: usize = 2560;

/// The first 16 bits of the SHA-256 of the owner's bare JID.
///
/// Part of every unique key, so that a database can be partitioned or sharded by owner without a migration.
pub fn bucket(owner: &BareJid) -> u16 {
    let digest = Sha256::digest(owner.as_str().as_bytes());
    u16::from_be_bytes([digest[0], digest[1]])
}

/// One stored registration. Together with the owner, `service` and `node` are the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The push service's bare JID.
    pub service: String,
    /// The node.
    pub node: String,
    /// The revision, never negative.
    pub revision: i64,
    /// The status.
    pub status: StatusColumns,
    /// When it was enabled, Unix milliseconds.
    pub enabled_at: i64,
    /// Everything else: JSON with a version.
    pub document: String,
}

#[derive(Serialize, Deserialize)]
struct Version {
    v: u32,
}

#[derive(Serialize, Deserialize)]
struct Document {
    v: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    options: Vec<(String, String)>,
    /// In place of `options`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    identity: Identity,
}

impl Document {
    fn options(&mut self) -> PublishOptions {
        match self.sealed.take() {
            Some(text) => PublishOptions::sealed(text),
            None => PublishOptions::new(std::mem::take(&mut self.options)),
        }
    }

    /// Sealed options belong into a document that no program from before reads, and not beside others.
    fn is_consistent(&self) -> bool {
        self.sealed.is_none() || (self.v >= SEALED_VERSION && self.options.is_empty())
    }
}

impl From<&Registration> for Row {
    fn from(registration: &Registration) -> Self {
        let options = &registration.options;
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let document = Document {
            v: if options.as_sealed().is_some() {
                SEALED_VERSION
            } else {
                1
            },
            options: options.fields().map(own).collect(),
            sealed: options.as_sealed().map(str::to_owned),
            resource: registration.resource.clone(),
            identity: registration.identity,
        };
        Self {
            service: registration.target.service.as_str().to_owned(),
            node: registration.target.node.as_str().to_owned(),
            revision: registration.revision.as_u64().cast_signed(),
            status: registration.status.into(),
            enabled_at: millis(registration.enabled_at),
            // Strings and lists of strings always have a JSON form.
            document: serde_json::to_string(&document).unwrap_or_default(),
        }
    }
}

impl TryFrom<Row> for Registration {
    type Error = RowError;

    fn try_from(row: Row) -> Result<Self, RowError> {
        let column = |column| move || RowError::Column { column };
        let mut document = document(&row.document)?;
        Ok(Self {
            target: Target {
                service: BareJid::new(&row.service).map_err(|_| column("service")())?,
                node: PubsubNode::new(row.node),
            },
            options: document.options(),
            revision: u64::try_from(row.revision)
                .map(Revision::new)
                .map_err(|_| column("revision")())?,
            status: row.status.try_into()?,
            resource: document.resource,
            identity: document.identity,
            enabled_at: timestamp(row.enabled_at, "enabled_at")?,
        })
    }
}

/// Reads the version first: a later document may not even have today's shape.
fn document(json: &str) -> Result<Document, RowError> {
    let unreadable = RowError::Column { column: "document" };
    let version: Version = serde_json::from_str(json).map_err(|_| unreadable)?;
    if version.v > DOCUMENT_VERSION {
        return Err(RowError::Newer { found: version.v });
    }
    let document: Document = serde_json::from_str(json).map_err(|_| unreadable)?;
    document
        .is_consistent()
        .then_some(document)
        .ok_or(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::registration::Status;

    fn registration() -> Registration {
        let fields = [("b", " x\u{1F600}\n"), ("a", ""), ("é", "\"")];
        Registration {
            target: Target {
                service: BareJid::new("push.example.net").unwrap(),
                node: PubsubNode::new("node"),
            },
            options: PublishOptions::new(fields.map(|(n, v)| (n.into(), v.into())).to_vec()),
            revision: Revision::new(u64::MAX),
            status: Status::Active,
            resource: Some("phone".into()),
            identity: Identity::Server,
            enabled_at: Timestamp::from_millis(1_790_000_000_000),
        }
    }

    #[test]
    fn a_row_reads_back_byte_for_byte_and_in_order() {
        let row = Row::from(&registration());
        assert_eq!(Registration::try_from(row).unwrap(), registration());
    }

    #[test]
    fn the_document_is_as_written_down() {
        let row = Row::from(&Registration {
            options: PublishOptions::default(),
            ..registration()
        });
        assert_eq!(
            row.document,
            r#"{"v":1,"resource":"phone","identity":"server"}"#
        );
    }

    #[test]
    fn a_newer_document_is_never_guessed_at() {
        let row = Row {
            document: r#"{"v":3,"x":1}"#.into(),
            ..Row::from(&registration())
        };
        assert_eq!(
            Registration::try_from(row),
            Err(RowError::Newer { found: 3 })
        );
    }

    #[test]
    fn sealed_options_read_back_and_are_not_for_programs_from_before() {
        let sealed = Registration {
            options: PublishOptions::sealed("k.text"),
            ..registration()
        };
        let row = Row::from(&sealed);
        assert_eq!(
            row.document,
            r#"{"v":2,"sealed":"k.text","resource":"phone","identity":"server"}"#
        );
        assert_eq!(Registration::try_from(row).unwrap(), sealed);
    }

    #[test]
    fn sealed_options_are_refused_where_they_do_not_belong() {
        for document in [
            r#"{"v":1,"sealed":"k.text","identity":"server"}"#,
            r#"{"v":2,"sealed":"k.text","options":[["a","b"]],"identity":"server"}"#,
        ] {
            let row = Row {
                document: document.into(),
                ..Row::from(&registration())
            };
            assert_eq!(
                Registration::try_from(row),
                Err(RowError::Column { column: "document" })
            );
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let row = Row {
            revision: -1,
            ..Row::from(&registration())
        };
        assert_eq!(
            Registration::try_from(row),
            Err(RowError::Column { column: "revision" })
        );
        let row = Row {
            document: "{".into(),
            ..Row::from(&registration())
        };
        assert_eq!(
            Registration::try_from(row),
            Err(RowError::Column { column: "document" })
        );
        let mut row = Row::from(&registration());
        row.status.status = "odd".into();
        assert_eq!(
            Registration::try_from(row),
            Err(RowError::Column { column: "status" })
        );
    }

    #[test]
    fn the_bucket_is_fixed_for_ever() {
        let owner = BareJid::new("alice@example.org").unwrap();
        let digest = Sha256::digest(b"alice@example.org");
        assert_eq!(
            bucket(&owner),
            u16::from(digest[0]) << 8 | u16::from(digest[1])
        );
        assert_eq!(bucket(&owner), 0x7a64);
    }
}
