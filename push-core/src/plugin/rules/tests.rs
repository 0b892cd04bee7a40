use super::*;
use crate::JidPattern;
use crate::Timestamp;
use crate::session::{Cause, ClientState, Session};
use crate::xep::hints::Hint;
use crate::xep::message::{Message, MessageType};
use crate::xml::Namespace;
use crate::xml::sample::{Sample, element};
use jid::BareJid;

fn chat() -> Sample {
    element("message", Namespace::Client)
        .with("type", "chat")
        .with("from", "Bob@example.com/x")
}

fn with_body(text: &str) -> Sample {
    chat().child(element("body", Namespace::Client).text(text))
}

fn propose() -> Sample {
    element("propose", Namespace::JingleMessage).with("id", "s1")
}

fn session(priority: Option<i8>, state: Option<ClientState>) -> Session {
    Session {
        resource: "r".to_owned(),
        priority,
        hibernated: false,
        client_state: state,
        enabled: false,
    }
}

/// Asks about a message that was missed for a cause, while there are these sessions.
fn ask<T>(
    message: Option<&Sample>,
    cause: Cause,
    sessions: &[Session],
    answer: impl FnOnce(&Missed<'_>) -> T,
) -> T {
    let stanza = message.map(Sample::stanza);
    let owner = BareJid::new("alice@example.org").unwrap();
    answer(&Missed {
        message: stanza.as_ref().and_then(|of| Message::read(of.root())),
        count: 3,
        sessions,
        ..Missed::new(&owner, cause, Timestamp::default())
    })
}

fn holds(conditions: &Conditions, message: &Sample) -> bool {
    ask(Some(message), Cause::Offline, &[], |missed| {
        conditions.hold(missed)
    })
}

fn rule(name: &'static str, conditions: Vec<Conditions>, action: Action) -> Rule {
    Rule {
        name: name.into(),
        conditions,
        action,
    }
}

fn push(content: Content) -> Action {
    Action::Push(Push {
        content,
        ..Push::default()
    })
}

#[test]
fn a_condition_holds_of_what_it_says_and_of_nothing_else() {
    type Case = (fn(&mut Conditions), Sample, Sample);
    let empty = || chat().child(element("body", Namespace::Client));
    let store = || chat().child(element("store", Namespace::Hints));
    let secret = || chat().child(element("openpgp", Namespace::OpenPgp));
    let cases: [Case; 9] = [
        (
            |of| of.kind = Some(MessageType::Chat),
            chat(),
            element("message", Namespace::Client),
        ),
        (|of| of.body = Some(Body::Absent), chat(), empty()),
        (|of| of.body = Some(Body::Empty), empty(), with_body("hi")),
        (|of| of.body = Some(Body::NonEmpty), with_body("hi"), chat()),
        (|of| of.hint = Some(Hint::Store), store(), chat()),
        (|of| of.jingle = Some(true), chat().child(propose()), chat()),
        (
            |of| of.jingle = Some(false),
            chat(),
            chat().child(propose()),
        ),
        (|of| of.encrypted = Some(true), secret(), chat()),
        (
            |of| of.from = JidPattern::read("*.com"),
            chat(),
            element("message", Namespace::Client),
        ),
    ];
    for (set, fitting, other) in cases {
        let mut conditions = Conditions::default();
        set(&mut conditions);
        assert!(holds(&conditions, &fitting), "{conditions:?}");
        assert!(!holds(&conditions, &other), "{conditions:?}");
        let lost = ask(None, Cause::Offline, &[], |missed| conditions.hold(missed));
        assert!(!lost, "nothing is known of a message that is lost");
    }
}

#[test]
fn conditions_about_the_user_apply_to_what_the_user_missed() {
    let online = [session(Some(0), None)];
    let status = |status| Conditions {
        user_status: Some(status),
        ..Conditions::default()
    };
    let cases = [
        (UserStatus::Offline, Cause::Offline, &[][..], true),
        (UserStatus::Online, Cause::Offline, &[][..], false),
        (UserStatus::Online, Cause::Archived, &online[..], true),
        (UserStatus::Offline, Cause::Archived, &online[..], false),
        (UserStatus::Online, Cause::Unacked, &online[..], false),
        (UserStatus::Offline, Cause::Queued, &[][..], false),
    ];
    for (wanted, cause, sessions, expected) in cases {
        let held = ask(Some(&chat()), cause, sessions, |missed| {
            status(wanted).hold(missed)
        });
        assert_eq!(held, expected, "{wanted:?} {cause:?}");
    }
}

#[test]
fn a_client_is_inactive_when_all_are_that_take_the_message() {
    use ClientState::{Active, Inactive};
    let cases = [
        (vec![(1, Some(Inactive)), (0, Some(Active))], Some(Inactive)),
        (vec![(1, Some(Inactive)), (1, Some(Active))], Some(Active)),
        (vec![(1, Some(Inactive)), (1, None)], None),
        (vec![(-1, Some(Inactive))], None),
    ];
    for (sessions, expected) in cases {
        let sessions: Vec<Session> = sessions
            .into_iter()
            .map(|(priority, state)| session(Some(priority), state))
            .collect();
        for state in [Active, Inactive] {
            let conditions = Conditions {
                client_state: Some(state),
                ..Conditions::default()
            };
            let held = ask(Some(&chat()), Cause::Archived, &sessions, |missed| {
                conditions.hold(missed)
            });
            assert_eq!(held, expected == Some(state), "{sessions:?}");
        }
    }
}

#[test]
fn the_first_rule_that_matches_decides_and_is_named() {
    let from_bob = || Conditions {
        from: JidPattern::read("bob@example.com"),
        ..Conditions::default()
    };
    let calls = || Conditions {
        jingle: Some(true),
        ..Conditions::default()
    };
    let rules = RulesPlugin::new(vec![
        rule("calls", vec![calls()], push(Content::Jingle)),
        rule("not bob", vec![from_bob()], Action::Skip),
        rule("all", vec![], push(Content::Message)),
    ]);
    let decide = |message: &Sample| {
        ask(Some(message), Cause::Offline, &[], |missed| {
            let verdict = rules.should_publish(missed);
            let reason = verdict.reason().as_str().to_owned();
            (verdict.is_publish(), reason)
        })
    };
    let decided = |publish, reason: &str| (publish, reason.to_owned());
    assert_eq!(decide(&chat().child(propose())), decided(true, "calls"));
    assert_eq!(decide(&with_body("hi")), decided(false, "not bob"));
    let carol = element("message", Namespace::Client).with("from", "carol@example.com");
    assert_eq!(decide(&carol), decided(false, "all: there is no body"));
    let without_id = element("propose", Namespace::JingleMessage);
    let unnamed = decide(&chat().child(without_id));
    assert_eq!(unnamed, decided(false, "calls: the call has no id"));
    let none = RulesPlugin::default();
    let verdict = ask(Some(&chat()), Cause::Offline, &[], |missed| {
        none.should_publish(missed)
    });
    assert_eq!(verdict, Verdict::skip("no rule matches"));
}

#[test]
fn a_rule_says_what_the_notification_says() {
    let said = |content| {
        let rules = RulesPlugin::new(vec![rule("r", vec![], push(content))]);
        ask(
            Some(&with_body("hi").child(propose())),
            Cause::Offline,
            &[],
            |missed| {
                let name = "r".into();
                let missed = missed.with_reason(&name);
                rules.prepare_notification(&missed).content
            },
        )
    };
    let levels = [
        (Content::Nothing, None, None, None),
        (Content::Count, Some(3), None, None),
        (Content::Sender, Some(3), Some("bob@example.com"), None),
        (
            Content::Message,
            Some(3),
            Some("bob@example.com"),
            Some("hi"),
        ),
    ];
    for (content, count, sender, body) in levels {
        let said = said(content);
        assert_eq!(said.message_count, count);
        assert_eq!(said.last_message_sender.as_deref(), sender);
        assert_eq!(said.last_message_body.as_deref(), body);
    }
    let call = [
        ("type", "jmi"),
        ("jmi-sid", "s1"),
        ("jmi-from", "Bob@example.com/x"),
    ];
    let call = call.map(|(name, value)| (name, value.to_owned()));
    assert_eq!(said(Content::Jingle).fields, call);
}

#[test]
fn rules_want_no_more_than_they_can_tell_of() {
    let wants = |conditions: Vec<Conditions>| {
        let rules = RulesPlugin::new(vec![rule("r", conditions, push(Content::Count))]);
        let wants = rules.wants();
        (wants.any, wants.calls)
    };
    let with_text = || Conditions {
        body: Some(Body::NonEmpty),
        ..Conditions::default()
    };
    let calls = || Conditions {
        jingle: Some(true),
        ..Conditions::default()
    };
    assert_eq!(wants(vec![with_text()]), (false, false));
    assert_eq!(wants(vec![with_text(), calls()]), (false, true));
    assert_eq!(wants(vec![]), (true, true));
    let skipping = RulesPlugin::new(vec![rule("r", vec![], Action::Skip)]);
    assert_eq!(skipping.wants(), Wants::default());
}

#[test]
fn shadow_rules_only_say_where_they_would_have_decided_otherwise() {
    let all = || vec![rule("all", vec![], push(Content::Message))];
    let shadow = vec![
        rule("calls", vec![], Action::Skip),
        rule("rest", vec![], push(Content::Message)),
    ];
    let told = |rules: RulesPlugin| {
        ask(Some(&with_body("hi")), Cause::Offline, &[], |missed| {
            let verdict = rules.should_publish(missed);
            let shadow = verdict.shadow().map(|of| of.as_str().to_owned());
            (verdict.is_publish(), shadow)
        })
    };
    let differing = told(RulesPlugin::new(all()).with_shadow(shadow));
    assert_eq!(differing, (true, Some("calls".to_owned())));
    let renamed = vec![rule("other", vec![], push(Content::Message))];
    let alike = told(RulesPlugin::new(all()).with_shadow(renamed));
    assert_eq!(alike, (true, None));
}
