//! What the server is asked, and what that costs it: as it goes over the wire.

use super::config;
use super::recorder::Recorder;
use mongodb::bson::{Bson, Document, doc};
use push_core::lease::LeaseStore;
use push_core::row::bucket;
use push_core::store::{Change, Cursor, Kind, RegistrationStore};
use push_store_mongo::{MongoStore, open};
use push_tests::database::mongo::{Database, Server, Settings};
use push_tests::store::{
    enable, jid, registration, remove, remove_owner, remove_service, settle, status,
};
use std::time::Duration;

const ALICE: &str = "alice@example.org";
const PUSH: &str = "push.example.net";
const OTHERS: i32 = 10_000;

/// A store, what it sends, and the operator's connection.
async fn recorded(server: &Server) -> (MongoStore, Recorder, mongodb::Database) {
    let recorder = Recorder::start(server.port()).await;
    let database: Database = server.fresh_database();
    let operator = database.connect().await.unwrap();
    let store = open(config(&database.at(recorder.port))).await.unwrap();
    recorder.take();
    (store, recorder, operator)
}

fn one_of_each() -> Vec<Change> {
    let have = registration(PUSH, "n", 1);
    vec![
        enable(ALICE, &have),
        settle(ALICE, &have.target, 1, status(1)),
        remove(ALICE, &have.target),
        remove_service(ALICE, PUSH),
        remove_owner(ALICE),
    ]
}

/// The conditions of a command's reads or writes.
fn filters(command: &Document) -> Vec<Document> {
    let of = |query: &Document, filter: &str| query.get_document(filter).unwrap().clone();
    let statements = command
        .get_array("updates")
        .or(command.get_array("deletes"));
    match statements {
        Err(_) if command.contains_key("query") => vec![of(command, "query")],
        Ok(statements) => statements
            .iter()
            .map(|statement| of(statement.as_document().unwrap(), "q"))
            .collect(),
        Err(_) if command.contains_key("filter") => vec![of(command, "filter")],
        Err(_) => Vec::new(),
    }
}

/// How the server finds what these conditions mean: steps, and how many keys of the index and documents it looks at.
async fn explain(operator: &mongodb::Database, filter: &Document) -> (String, i64) {
    // A server chooses by itself; the stand-in, asked to explain, names no index unless it is told which.
    let by_key = filter.get_i32("bucket").is_ok();
    let index = if by_key {
        "registration_by_key"
    } else {
        "registration_by_owner"
    };
    let find = doc! { "find": "registration", "filter": filter, "hint": index };
    let explain = doc! { "explain": find, "verbosity": "executionStats" };
    let plan = operator.run_command(explain).await.unwrap();
    let stats = plan.get_document("executionStats").unwrap();
    let number = |name| match stats.get(name) {
        Some(Bson::Int32(number)) => i64::from(*number),
        Some(Bson::Int64(number)) => *number,
        other => panic!("{name}: {other:?}"),
    };
    let steps = plan
        .get_document("queryPlanner")
        .unwrap()
        .get("winningPlan")
        .unwrap();
    (
        steps.to_string(),
        number("totalKeysExamined").max(number("totalDocsExamined")),
    )
}

/// As another program would put them there: ten times faster than by the store.
async fn populate(operator: &mongodb::Database) {
    let other = |n: i32| {
        let owner = format!("u{n}@example.org");
        doc! {
            "bucket": i32::from(bucket(&jid(&owner))), "owner": owner, "service": PUSH, "node": "n", "revision": 1_i64,
            "status": "active", "refusals": 0, "days": 0, "since": 0_i64, "last": 0_i64, "enabled_at": 0_i64,
            "updated_at": mongodb::bson::DateTime::now(), "document": r#"{"v":1,"identity":"server"}"#,
        }
    };
    let registrations = operator.collection::<Document>("registration");
    let others: Vec<_> = (0..OTHERS).map(other).collect();
    for others in others.chunks(1000) {
        registrations.insert_many(others).await.unwrap();
    }
}

#[tokio::test]
async fn ten_thousand_others_cost_one_nothing() {
    let server = Server::own().await.unwrap();
    let (store, recorder, operator) = recorded(&server).await;
    populate(&operator).await;
    let nodes: Vec<_> = ["n", "o", "p"]
        .map(|node| registration(PUSH, node, 1))
        .into();
    let changes: Vec<_> = nodes.iter().map(|have| enable(ALICE, have)).collect();
    store.commit(&changes).await.unwrap();

    let owners = [ALICE, "u7@example.org", "u77@example.org", "u@example.org"].map(jid);
    store.load(&owners[..1]).await.unwrap();
    store.load(&owners).await.unwrap();
    // It also has to look for the later revision.
    store
        .commit(&[enable(ALICE, &registration(PUSH, "n", 0))])
        .await
        .unwrap();
    for change in one_of_each() {
        store.commit(&[change]).await.unwrap();
    }
    store.commit(&changes).await.unwrap();
    let cursor = Cursor {
        owner: jid("u9997@example.org"),
        target: nodes[0].target.clone(),
    };
    let page = store.page(Kind::Registrations, Some(&cursor), 10);
    assert_eq!(page.await.unwrap().entries.len(), 5);
    let commands = recorder.take();
    let filters: Vec<_> = commands.iter().flat_map(filters).collect();
    assert!(filters.len() >= 12, "{commands:?}");
    for filter in filters {
        let (plan, looked_at) = explain(&operator, &filter).await;
        assert!(plan.contains("IXSCAN"), "{filter}: {plan}");
        // The stand-in counts only what it finds.
        assert!(
            looked_at <= 8 && filter.contains_key("owner"),
            "{filter}: {looked_at}"
        );
    }
}

#[tokio::test]
async fn every_write_goes_to_one_shard_and_is_waited_for_by_a_majority() {
    let server = Server::own().await.unwrap();
    let (store, recorder, _) = recorded(&server).await;
    for change in one_of_each() {
        store.commit(&[change]).await.unwrap();
    }
    store
        .take("stream", "one", Duration::from_secs(1))
        .await
        .unwrap();
    store.release("stream", "one").await.unwrap();
    let commands = recorder.take();
    assert!(commands.len() >= 9, "{commands:?}");
    let has = |name: &'static str| move |command: &&Document| command.contains_key(name);
    let transactions = commands.iter().filter(has("commitTransaction")).count();
    assert_eq!(transactions, 2, "removals of several");
    for command in commands
        .iter()
        .filter(|command| !has("startTransaction")(command))
    {
        let concern = command.get_document("writeConcern").unwrap();
        assert_eq!(concern.get_str("w"), Ok("majority"), "{command}");
        assert_eq!(concern.get_bool("j"), Ok(true), "{command}");
        assert!(concern.contains_key("wtimeout"), "{command}");
    }
    let of_registrations = |command: &&Document| {
        command
            .values()
            .any(|value| value.as_str() == Some("registration"))
    };
    for filter in commands.iter().filter(of_registrations).flat_map(filters) {
        assert_eq!(filter.get_i32("bucket"), Ok(0x7a64), "{filter}");
    }
    // What is written in a transaction is bounded by its commit.
    let in_transaction = |command: &&Document| command.contains_key("startTransaction");
    let bounded = commands.iter().filter(|command| {
        has("commitTransaction")(command) || of_registrations(command) && !in_transaction(command)
    });
    let bounded: Vec<_> = bounded.collect();
    assert_eq!(bounded.len(), 5, "{bounded:?}");
    for command in bounded {
        assert!(is_limited(command), "{command}");
    }
}

/// Whether a command has as long as a statement may take.
fn is_limited(command: &Document) -> bool {
    let limit = command.get("maxTimeMS").map(Bson::to_string);
    limit.is_some_and(|limit| limit == "60000")
}

#[tokio::test]
async fn deleting_many_without_a_transaction_is_limited_in_time() {
    let server = Server::start(Settings {
        standalone: true,
        ..Settings::default()
    });
    let server = server.await.unwrap();
    let (store, recorder, _) = recorded(&server).await;
    store
        .commit(&[enable(ALICE, &registration(PUSH, "n", 1))])
        .await
        .unwrap();
    recorder.take();
    store.commit(&[remove_owner(ALICE)]).await.unwrap();
    store.remove_domain(jid(ALICE).domain()).await.unwrap();
    let commands = recorder.take();
    let deletes: Vec<_> = commands
        .iter()
        .filter(|command| command.contains_key("delete"))
        .collect();
    assert_eq!(deletes.len(), 2, "{commands:?}");
    for command in deletes {
        assert!(is_limited(command), "{command}");
        let concern = command.get_document("writeConcern").unwrap();
        assert_eq!(concern.get_str("w"), Ok("majority"), "{command}");
    }
}

#[tokio::test]
async fn reads_are_of_what_a_majority_has_and_limited_in_time() {
    let server = Server::own().await.unwrap();
    let (store, recorder, _) = recorded(&server).await;
    store.load(&[jid(ALICE)]).await.unwrap();
    store.page(Kind::Registrations, None, 1).await.unwrap();
    store.counts().await.unwrap();
    let commands = recorder.take();
    assert_eq!(commands.len(), 4, "{commands:?}");
    for command in commands {
        let concern = command.get_document("readConcern").unwrap();
        assert_eq!(concern.get_str("level"), Ok("majority"), "{command}");
        assert!(command.contains_key("maxTimeMS"), "{command}");
    }
}

#[tokio::test]
async fn many_enables_are_few_commands() {
    let server = Server::own().await.unwrap();
    let (store, recorder, _) = recorded(&server).await;
    let changes: Vec<_> = (0..200)
        .map(|n| enable(&format!("u{n}@example.org"), &registration(PUSH, "n", 1)))
        .collect();
    store.commit(&changes).await.unwrap();
    let commands = recorder.take();
    let sizes: Vec<_> = commands
        .iter()
        .map(|command| filters(command).len())
        .collect();
    assert_eq!(sizes.iter().sum::<usize>(), 200);
    assert!(sizes.len() <= 2, "{sizes:?}");
}
