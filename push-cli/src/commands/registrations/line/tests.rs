use super::*;
use push_core::registration::{Status, Trouble};

const LEAST: &str = r#"{"owner":"a@b","service":"c","node":"d","revision":"7","status":"active","enabled_at":5,"identity":"user"}"#;

fn entry(json: &str) -> Result<Entry, LineError> {
    match read(json.as_bytes())? {
        Content::Entry(entry) => Ok(*entry),
        Content::Trailer(_) => panic!("a trailer: {json}"),
    }
}

fn written((owner, registration): &Entry) -> String {
    serde_json::to_string(&Line::new(owner, registration)).unwrap()
}

fn with(registration: Registration) -> Entry {
    (BareJid::new("alice@example.org").unwrap(), registration)
}

fn full() -> Registration {
    let fields = [("secret", " x\u{1F600}\n"), ("a", ""), ("a", "\"")];
    Registration {
        target: Target {
            service: BareJid::new("push.example.net").unwrap(),
            node: PubsubNode::new("n é\n"),
        },
        options: PublishOptions::new(fields.map(|(n, v)| (n.into(), v.into())).to_vec()),
        revision: Revision::MAX,
        status: Status::Active,
        resource: Some("phone".into()),
        identity: Identity::Server,
        enabled_at: Timestamp::from_millis(1_790_000_000_000),
    }
}

#[test]
fn every_registration_reads_back() {
    let at = Timestamp::from_millis(1_790_000_000_000);
    let trouble = Trouble {
        since: at,
        last: Timestamp::from_millis(1_790_000_000_001),
        days: 2,
        refusals: 3,
    };
    let statuses = [
        Status::Active,
        Status::Failing(trouble),
        Status::Quarantined(trouble),
    ];
    for status in statuses {
        let entry_of_status = with(Registration { status, ..full() });
        let json = written(&entry_of_status);
        assert!(!json.contains('\n'), "{json}");
        assert_eq!(entry(&json), Ok(entry_of_status));
    }
    let sealed = with(Registration {
        options: PublishOptions::sealed("text"),
        resource: None,
        ..full()
    });
    assert_eq!(entry(&written(&sealed)), Ok(sealed));
}

#[test]
fn a_line_is_as_written_down() {
    let (owner, least) = entry(LEAST).unwrap();
    assert_eq!(written(&(owner, least)), LEAST);
    assert_eq!(
        written(&with(full())),
        concat!(
            r#"{"owner":"alice@example.org","service":"push.example.net","node":"n é\n","#,
            r#""revision":"9223372036854775807","status":"active","enabled_at":1790000000000,"#,
            r#""resource":"phone","identity":"server","options":[{"name":"secret","value":" x😀\n"},"#,
            r#"{"name":"a","value":""},{"name":"a","value":"\""}]}"#
        )
    );
    assert_eq!(
        serde_json::to_string(&Header::new(false)).unwrap(),
        r#"{"format":"xmpp-push-registrations","version":1}"#
    );
    assert_eq!(
        serde_json::to_string(&Trailer::new(2)).unwrap(),
        r#"{"complete":true,"registrations":2}"#
    );
}

#[test]
fn what_is_wrong_is_named_and_nothing_of_it_shown() {
    let long = format!("\"node\":\"{}\"", "x".repeat(MAX_KEY));
    for (part, by, expected) in [
        (
            r#""owner":"a@b""#,
            r#""owner":"@hunter2""#,
            LineError::Value { field: "owner" },
        ),
        (
            r#""service":"c""#,
            r#""service":"""#,
            LineError::Value { field: "service" },
        ),
        (r#""7""#, r#""-7""#, LineError::Value { field: "revision" }),
        (
            r#""7""#,
            r#""9223372036854775808""#,
            LineError::Value { field: "revision" },
        ),
        (
            r#""active""#,
            r#""hunter2""#,
            LineError::Value { field: "status" },
        ),
        (
            ":5,",
            ":-5,",
            LineError::Value {
                field: "enabled_at",
            },
        ),
        (r#""node":"d""#, &long, LineError::LongKey),
        (r#""7""#, "7", LineError::Shape { column: 52 }),
        (
            r#""user""#,
            r#""hunter2""#,
            LineError::Shape { column: 108 },
        ),
        (
            "}",
            r#","secret":"hunter2"}"#,
            LineError::Shape { column: 114 },
        ),
        (
            "}",
            r#","sealed":"x","options":[{"name":"a","value":"b"}]}"#,
            LineError::Value { field: "sealed" },
        ),
        ("}", "", LineError::NoJson { column: 105 }),
        (LEAST, "hunter2", LineError::NoJson { column: 1 }),
    ] {
        let error = entry(&LEAST.replace(part, by)).unwrap_err();
        assert_eq!(error, expected, "{part} as {by}");
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[test]
fn a_header_of_another_program_or_a_later_version_is_refused() {
    assert_eq!(Header::read(LEAST.as_bytes()), Err(LineError::NoHeader));
    let other = br#"{"format":"other","version":1}"#;
    assert_eq!(Header::read(other), Err(LineError::NoHeader));
    let newer = br#"{"format":"xmpp-push-registrations","version":2,"x":1}"#;
    assert_eq!(Header::read(newer), Err(LineError::Newer { found: 2 }));
}
