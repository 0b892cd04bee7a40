//! Documents as the core's registrations, and the filters they are found by.

use jid::BareJid;
use mongodb::bson::raw::ValueAccessResult;
use mongodb::bson::{Bson, Document, RawDocument, doc};
use push_core::Registration;
use push_core::registration::{Revision, Target};
use push_core::row::{Row, RowError, StatusColumns, UnreadableRows, bucket};
use push_core::store::Guard;
use tracing::{debug, warn};

/// The index that every unique key needs to begin with the bucket: by it the collection can be sharded.
pub(crate) const BY_KEY: &str = "registration_by_key";

/// The index in the order of pages, and for people, who do not know the bucket.
pub(crate) const BY_OWNER: &str = "registration_by_owner";

/// The account of an owner. Every filter of a write begins so, hence goes to one shard.
pub(crate) fn account(owner: &BareJid) -> Document {
    doc! { "bucket": i32::from(bucket(owner)), "owner": owner.as_str() }
}

/// The registrations of an owner with one service.
pub(crate) fn service(owner: &BareJid, service: &BareJid) -> Document {
    let mut filter = account(owner);
    filter.insert("service", service.as_str());
    filter
}

/// One registration.
pub(crate) fn key(owner: &BareJid, target: &Target) -> Document {
    let mut filter = service(owner, &target.service);
    filter.insert("node", target.node.as_str());
    filter
}

/// `filter`, and of what it finds only these revisions.
pub(crate) fn guarded(mut filter: Document, guard: Guard) -> Document {
    filter.insert(
        "revision",
        match guard {
            Guard::Exactly(this) => Bson::Int64(number(this)),
            Guard::UpTo(last) => doc! { "$lte": number(last) }.into(),
        },
    );
    filter
}

/// `filter`, and of what it finds only later revisions.
pub(crate) fn later(mut filter: Document, revision: Revision) -> Document {
    filter.insert("revision", doc! { "$gt": number(revision) });
    filter
}

/// Returns the fields that an enable writes besides the key.
pub(crate) fn enabled(row: Row) -> Document {
    let mut fields = status(row.status);
    fields.insert("revision", row.revision);
    fields.insert("enabled_at", row.enabled_at);
    fields.insert("document", row.document);
    written(fields)
}

/// Returns the fields that a change of status writes.
pub(crate) fn settled(columns: StatusColumns) -> Document {
    written(status(columns))
}

fn status(columns: StatusColumns) -> Document {
    doc! {
        "status": columns.status,
        "refusals": columns.refusals,
        "days": columns.days,
        "since": columns.since,
        "last": columns.last,
    }
}

fn written(fields: Document) -> Document {
    doc! { "$set": fields, "$currentDate": { "updated_at": true } }
}

/// A revision as the field holds it.
fn number(revision: Revision) -> i64 {
    revision.as_u64().cast_signed()
}

/// The owner as it is stored, to name it where it cannot be read.
pub(crate) fn owner_of(document: &RawDocument) -> &str {
    document.get_str("owner").unwrap_or_default()
}

/// Owner and registration.
pub(crate) fn entry(document: &RawDocument) -> Result<(BareJid, Registration), RowError> {
    let owner = field("owner", document.get_str("owner"))?;
    let owner = BareJid::new(owner).map_err(|_| RowError::Column { column: "owner" })?;
    Ok((owner, registration(document)?))
}

/// The registration in a document. A field of another type than the validator asks for is unreadable: which number
/// a double or a string stands for is not for a program to guess.
pub(crate) fn registration(document: &RawDocument) -> Result<Registration, RowError> {
    let text = |name| field(name, document.get_str(name)).map(str::to_owned);
    Row {
        service: text("service")?,
        node: text("node")?,
        revision: field("revision", document.get_i64("revision"))?,
        status: StatusColumns {
            status: text("status")?,
            refusals: field("refusals", document.get_i32("refusals"))?,
            days: field("days", document.get_i32("days"))?,
            since: field("since", document.get_i64("since"))?,
            last: field("last", document.get_i64("last"))?,
        },
        enabled_at: field("enabled_at", document.get_i64("enabled_at"))?,
        document: text("document")?,
    }
    .try_into()
}

fn field<T>(column: &'static str, value: ValueAccessResult<T>) -> Result<T, RowError> {
    value.map_err(|_| RowError::Column { column })
}

/// Returns what was read; an owner's registration that cannot be read is counted, and named at `debug`.
pub(crate) fn noted<T>(
    unreadable: &mut UnreadableRows,
    owner: &str,
    read: Result<T, RowError>,
) -> Option<T> {
    unreadable.note(
        read,
        |error| debug!(owner, %error, "left out a registration that cannot be read"),
    )
}

/// Logs how many registrations cannot be read, without their owners, and returns the number.
pub(crate) fn logged(unreadable: UnreadableRows) -> usize {
    unreadable.finish(
        |documents, first| warn!(documents, %first, "left out registrations that cannot be read"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use mongodb::bson::RawDocumentBuf;
    use push_core::Timestamp;
    use push_core::registration::{Identity, PublishOptions, PubsubNode, Status};

    fn enable() -> (BareJid, Registration) {
        let fields = [
            ("", ""),
            ("$a", "$b"),
            ("a.b", "1"),
            ("a.b", "2"),
            ("\0", "\u{1F600}"),
        ];
        let registration = Registration {
            target: Target {
                service: BareJid::new("push.example.net").unwrap(),
                node: PubsubNode::new("$node"),
            },
            options: PublishOptions::new(fields.map(|(n, v)| (n.into(), v.into())).to_vec()),
            revision: Revision::MAX,
            status: Status::Active,
            resource: None,
            identity: Identity::Server,
            enabled_at: Timestamp::from_millis(1_790_000_000_000),
        };
        (BareJid::new("alice@example.org").unwrap(), registration)
    }

    /// As the upsert leaves it.
    fn stored() -> Document {
        let (owner, registration) = enable();
        let mut document = key(&owner, &registration.target);
        document.extend(
            enabled(Row::from(&registration))
                .get_document("$set")
                .unwrap()
                .clone(),
        );
        document
    }

    fn read(document: &Document) -> Result<(BareJid, Registration), RowError> {
        entry(&RawDocumentBuf::try_from(document).unwrap())
    }

    #[test]
    fn a_document_reads_back_byte_for_byte_and_in_order() {
        assert_eq!(read(&stored()), Ok(enable()));
    }

    #[test]
    fn a_field_that_is_missing_or_of_another_type_is_named() {
        for column in [
            "owner",
            "service",
            "node",
            "revision",
            "status",
            "refusals",
            "days",
            "since",
            "last",
            "enabled_at",
            "document",
        ] {
            let mut document = stored();
            document.insert(column, 1.0);
            assert_eq!(read(&document), Err(RowError::Column { column }));
            document.remove(column);
            assert_eq!(read(&document), Err(RowError::Column { column }));
        }
    }

    #[test]
    fn numbers_are_of_one_type_each() {
        let document = stored();
        for (name, expected) in [
            ("bucket", "int"),
            ("refusals", "int"),
            ("days", "int"),
            ("revision", "long"),
            ("since", "long"),
            ("last", "long"),
            ("enabled_at", "long"),
        ] {
            let found = match document.get(name) {
                Some(Bson::Int32(_)) => "int",
                Some(Bson::Int64(_)) => "long",
                _ => "another",
            };
            assert_eq!(found, expected, "{name}");
        }
    }
}
