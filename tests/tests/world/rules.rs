//! Rules of an administrator decide as the plugin does that they describe.

use push_core::plugin::rules::{Action, Body, Conditions, Content, Push, Rule, UserStatus};
use push_core::plugin::{Choice, Missed, MongooseImPlugin, Plugin, RulesPlugin, Situation};
use push_core::registration::{
    Identity, PublishOptions, PubsubNode, Registration, Revision, Status, Target,
};
use push_core::session::{Cause, Session};
use push_core::xep::message::{Message, MessageType};
use push_core::xep::summary::Summary;
use push_core::{BareJid, Timestamp};
use push_tests::world::random::{Dice, every_seed};
use push_tests::world::xml;

/// Returns the rules that say what `mongooseim` does.
fn rules() -> RulesPlugin {
    let mut conditions = Vec::new();
    for kind in [MessageType::Chat, MessageType::Groupchat] {
        for cause in [Cause::Offline, Cause::Lost] {
            let mut each = Conditions::default();
            each.kind = Some(kind);
            each.cause = Some(cause);
            each.body = Some(Body::NonEmpty);
            each.user_status = Some(UserStatus::Offline);
            conditions.push(each);
        }
    }
    let mut push = Push::default();
    push.content = Content::Message;
    RulesPlugin::new(vec![Rule {
        name: "as mongooseim".into(),
        conditions,
        action: Action::Push(push),
    }])
}

fn message(dice: &mut Dice) -> String {
    let kind = dice.pick(&["chat", "groupchat", "normal", "headline", ""]);
    let body = dice.pick(&[
        "",
        "<body/>",
        "<body>hi</body>",
        "<body xml:lang='de'>da</body>",
    ]);
    let more = dice.pick(&[
        "",
        "<store xmlns='urn:xmpp:hints'/>",
        "<propose xmlns='urn:xmpp:jingle-message:0' id='s'/>",
        "<openpgp xmlns='urn:xmpp:openpgp:0'>x</openpgp>",
    ]);
    let from = dice.pick(&[
        "Bob@example.com/x",
        "room@muc.example.org/Carol",
        "example.com",
    ]);
    format!("<message type='{kind}' from='{from}' to='alice@example.org'>{body}{more}</message>")
}

fn sessions(dice: &mut Dice) -> Vec<Session> {
    let count = dice.below(3);
    let sessions = (0..count).map(|number| Session {
        resource: format!("r{number}"),
        priority: *dice.pick(&[None, Some(-1), Some(0), Some(5)]),
        hibernated: dice.once_in(2),
        client_state: None,
        enabled: dice.once_in(2),
    });
    sessions.collect()
}

fn registration() -> Registration {
    Registration {
        target: Target {
            service: BareJid::new("push.example.net").unwrap(),
            node: PubsubNode::new("n"),
        },
        options: PublishOptions::default(),
        revision: Revision::new(1),
        status: Status::Active,
        resource: Some("r0".to_owned()),
        identity: Identity::Server,
        enabled_at: Timestamp::default(),
    }
}

/// Returns what a registration is told by a plugin, if it is told.
fn told(plugin: &dyn Plugin, missed: &Missed<'_>) -> Option<Summary> {
    let verdict = plugin.should_publish(missed);
    if !verdict.is_publish() {
        return None;
    }
    let notification = plugin.prepare_notification(&missed.with_reason(verdict.reason()));
    let mut situation = Situation::new(missed.owner, missed.cause, &[], missed.now);
    situation.sessions = missed.sessions;
    situation.reason = Some(verdict.reason());
    let choice = plugin.publish_notification(&situation, &notification, &registration());
    (choice == Choice::Publish).then_some(notification.content)
}

#[test]
fn rules_and_the_plugin_they_describe_decide_alike() {
    let (rules, owner) = (rules(), BareJid::new("alice@example.org").unwrap());
    let mut pushed = 0;
    every_seed("rules", 0..3_000, |seed| {
        let mut dice = Dice::new(seed);
        let text = message(&mut dice);
        let stanza = xml::parse(&text);
        let sessions = sessions(&mut dice);
        let cause = *dice.pick(&Cause::ALL);
        let missed = Missed::new(&owner, cause, Timestamp::default());
        let missed = missed.with_sessions(&sessions, None);
        let message = Message::read(stanza.root()).unwrap();
        let missed = missed.with_message(message, 1 + seed % 3);
        let (by_rules, by_plugin) = (
            told(&rules, &missed),
            told(&MongooseImPlugin::Defaults, &missed),
        );
        assert_eq!(by_rules, by_plugin, "{cause:?} {sessions:?} {text}");
        pushed += usize::from(by_rules.is_some());
    });
    assert!(pushed > 100, "{pushed} were pushed");
}
