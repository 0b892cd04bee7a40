use super::super::*;
use crate::Timestamp;
use crate::registration::{Identity, PublishOptions, PubsubNode, Revision, Status, Target};
use crate::session::Session;
use jid::BareJid;

fn hibernated(resource: &str, enabled: bool) -> Session {
    Session {
        resource: resource.to_owned(),
        priority: Some(0),
        hibernated: true,
        client_state: None,
        enabled,
    }
}

fn registration(resource: &str) -> Registration {
    Registration {
        target: Target {
            service: BareJid::new("push.example.net").unwrap(),
            node: PubsubNode::new(resource),
        },
        options: PublishOptions::default(),
        revision: Revision::new(1),
        status: Status::Active,
        resource: Some(resource.to_owned()),
        identity: Identity::Server,
        enabled_at: Timestamp::default(),
    }
}

/// Returns which of the registrations of phone and tablet are told of what the phone's session has missed.
fn told(cause: Cause, sessions: &[Session]) -> Vec<String> {
    let owner = BareJid::new("alice@example.org").unwrap();
    let situation = Situation {
        resource: Some("phone"),
        sessions,
        ..Situation::new(&owner, cause, &[], Timestamp::default())
    };
    let notification = Notification::default();
    let devices = ["phone", "tablet"].map(registration).into_iter();
    let told = devices.filter(|of| {
        let plugin = MongooseImPlugin::Enhanced;
        plugin.publish_notification(&situation, &notification, of) == Choice::Publish
    });
    told.filter_map(|of| of.resource).collect()
}

#[test]
fn a_session_that_is_cut_tells_its_own_registration_and_the_others_when_it_ends() {
    for cause in [Cause::Unacked, Cause::Queued] {
        assert_eq!(told(cause, &[hibernated("phone", true)]), ["phone"]);
        let nobody = told(cause, &[hibernated("phone", false)]);
        assert!(nobody.is_empty(), "it was enabled in an earlier session");
    }
    assert_eq!(told(Cause::Lost, &[]), ["phone", "tablet"]);
    let other = [hibernated("tablet", true)];
    assert!(told(Cause::Lost, &other).is_empty(), "online, as there");
}
