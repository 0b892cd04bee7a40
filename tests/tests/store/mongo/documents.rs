//! What is stored: as people see it, and what is no registration.

use super::store;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{ErrorKind, WriteFailure};
use push_core::store::{Committed, Kind, RegistrationStore};
use push_tests::database::mongo::Database;
use push_tests::store::{enable, jid, registration, registrations, remove_owner, settle, status};

const ALICE: &str = "alice@example.org";
const PUSH: &str = "push.example.net";
const DOCUMENT_VALIDATION_FAILURE: i32 = 121;

async fn collection(database: &Database) -> mongodb::Collection<Document> {
    let connected = database.connect().await.unwrap();
    connected.collection("registration")
}

/// What is stored of Alice's nodes, in order.
async fn stored(database: &Database) -> Vec<Document> {
    let collection = collection(database).await;
    let mut found = collection.find(doc! { "owner": ALICE }).await.unwrap();
    let mut documents = Vec::new();
    while found.advance().await.unwrap() {
        documents.push(found.deserialize_current().unwrap());
    }
    documents.sort_by_key(|document| document.get_str("node").unwrap().to_owned());
    documents
}

#[tokio::test]
async fn people_and_other_programs_can_rely_on_names_and_types() {
    let (database, store) = store().await;
    let have = [registration(PUSH, "a", 6), registration(PUSH, "b", 7)];
    let changes = [
        enable(ALICE, &have[0]),
        enable(ALICE, &have[1]),
        settle(ALICE, &have[1].target, 7, status(4)),
    ];
    store.commit(&changes).await.unwrap();
    let documents = stored(&database).await;
    assert_eq!(documents.len(), 2);
    let expected = [
        ("active", 0, 0, 0_i64, 0_i64),
        ("failing", 6, 5, 1_795_000_000_004, 1_795_000_004_004),
    ];
    for (mut document, (status, refusals, days, since, last)) in documents.into_iter().zip(expected)
    {
        assert!(matches!(document.remove("_id"), Some(Bson::ObjectId(_))));
        assert!(matches!(
            document.remove("updated_at"),
            Some(Bson::DateTime(_))
        ));
        let revision = if status == "active" { 6_i64 } else { 7 };
        let resource = if revision == 6 {
            r#""resource":"r6","#
        } else {
            ""
        };
        let identity = if revision == 6 { "component" } else { "user" };
        let content = format!(
            r#"{{"v":1,"options":[["secret","s{revision}"]],{resource}"identity":"{identity}"}}"#
        );
        let expected = doc! {
            "bucket": 0x7a64,
            "owner": ALICE,
            "service": PUSH,
            "node": if revision == 6 { "a" } else { "b" },
            "revision": revision,
            "status": status,
            "refusals": refusals,
            "days": days,
            "since": since,
            "last": last,
            "enabled_at": 1_790_000_000_000_i64 + revision,
            "document": content,
        };
        for (name, value) in &expected {
            assert_eq!(document.get(name), Some(value), "{name}");
        }
        assert_eq!(document.len(), expected.len());
    }
}

#[tokio::test]
async fn what_is_no_registration_is_not_let_in() {
    let (database, store) = store().await;
    store
        .commit(&[enable(ALICE, &registration(PUSH, "n", 1))])
        .await
        .unwrap();
    let mut good = stored(&database).await.remove(0);
    good.remove("_id");
    let collection = collection(&database).await;
    for (field, value) in [
        ("bucket", Bson::Int64(1)),
        ("bucket", Bson::Int32(65536)),
        ("owner", "".into()),
        ("service", Bson::Null),
        ("node", 1.into()),
        ("revision", Bson::Int32(1)),
        ("revision", Bson::Int64(-1)),
        ("revision", Bson::Double(1.0)),
        ("status", Bson::Null),
        ("refusals", Bson::Int64(1)),
        ("refusals", Bson::Double(1.0)),
        ("refusals", Bson::Int32(-1)),
        ("days", Bson::Int64(1)),
        ("since", Bson::Int32(1)),
        ("last", Bson::Null),
        ("enabled_at", Bson::DateTime(mongodb::bson::DateTime::now())),
        ("updated_at", Bson::Int64(1)),
        ("document", Bson::Document(doc! { "v": 1 })),
    ] {
        let mut bad = good.clone();
        bad.insert("owner", "bob@example.org");
        bad.insert(field, value);
        let error = collection.insert_one(bad).await.unwrap_err();
        let ErrorKind::Write(WriteFailure::WriteError(error)) = *error.kind else {
            panic!("{field}: {error}");
        };
        assert_eq!(error.code, DOCUMENT_VALIDATION_FAILURE, "{field}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_counted_and_harms_no_other() {
    let (database, store) = store().await;
    let have: Vec<_> = ["a", "b", "c", "d"]
        .map(|node| registration(PUSH, node, 1))
        .into();
    let changes: Vec<_> = have.iter().map(|have| enable(ALICE, have)).collect();
    store.commit(&changes).await.unwrap();
    store
        .commit(&[enable("bob@example.org", &have[0])])
        .await
        .unwrap();
    let collection = collection(&database).await;
    for (node, change) in [
        ("a", doc! { "document": r#"{"v":99}"# }),
        ("c", doc! { "revision": 1.5 }),
    ] {
        let spoilt = collection.update_one(
            doc! { "owner": ALICE, "node": node },
            doc! { "$set": change },
        );
        let spoilt = spoilt.bypass_document_validation(true).await.unwrap();
        assert_eq!(spoilt.modified_count, 1);
    }

    let asked = [jid(ALICE), jid("bob@example.org")];
    let loaded = store.load(&asked).await.unwrap();
    assert_eq!(loaded.corrupt, 2);
    assert_eq!(
        loaded.accounts[0].registrations,
        [have[1].clone(), have[3].clone()]
    );
    assert_eq!(loaded.accounts[1].registrations, [have[0].clone()]);

    let page = store.page(Kind::Registrations, None, 1).await.unwrap();
    assert_eq!((page.entries.len(), page.corrupt), (1, 1));
    assert_eq!(page.entries[0].1, have[1]);
    let rest = store
        .page(Kind::Registrations, page.next.as_ref(), 9)
        .await
        .unwrap();
    assert_eq!((rest.entries.len(), rest.corrupt, rest.next), (2, 1, None));

    // Enabling again mends it, and a removal means all that is there.
    store
        .commit(&[enable(ALICE, &registration(PUSH, "a", 2))])
        .await
        .unwrap();
    assert_eq!(store.load(&asked).await.unwrap().corrupt, 1);
    let removed = store.commit(&[remove_owner(ALICE)]).await.unwrap();
    assert_eq!(removed, [Committed::Removed(4)]);
    assert_eq!(registrations(&store, ALICE).await, []);
}
