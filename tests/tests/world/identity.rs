//! Who publishes are from: the best a host offers, and never a lesser one later.

use push_core::IdentityChoice;
use push_core::registration::Identity;
use push_core::report::{PublishEnd, Report};
use push_tests::world::{Bench, Manner, World, settings};
use std::time::Duration;

const GRANT: &str = "<message from='example.org' to='push.example.org'><privilege xmlns='urn:xmpp:privilege:2'>\
    <perm access='iq'><namespace ns='http://jabber.org/protocol/pubsub' type='set'/></perm></privilege></message>";

fn enable(bench: &mut Bench) {
    bench.hear(
        "<iq type='set' from='example.org' to='push.example.org' id='o'><delegation xmlns='urn:xmpp:delegation:2'>\
         <forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='set' from='alice@example.org/p' id='i'>\
         <enable xmlns='urn:xmpp:push:0' jid='push.example.net' node='n'/></iq></forwarded></delegation></iq>",
    );
    bench.take();
}

fn tap(bench: &mut Bench, id: u32) -> String {
    bench.take();
    bench.hear(&format!(
        "<message from='example.org' to='push.example.org/offline'><forwarded xmlns='urn:xmpp:forward:0'>\
         <message xmlns='jabber:client' type='chat' from='bob@example.com/x' to='alice@example.org' id='{id}'>\
         <body>hi</body></message></forwarded></message>"
    ));
    bench.take().concat()
}

fn id_of(publish: &str) -> String {
    publish
        .split(" id='")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap()
        .to_owned()
}

#[test]
fn a_better_offer_is_taken_and_a_lesser_is_not() {
    let mut bench = Bench::new(settings());
    bench.up();
    enable(&mut bench);
    let first = tap(&mut bench, 1);
    assert!(first.starts_with("<iq type='set' from='push.example.org' to='push.example.net'"));
    bench.hear(&format!(
        "<iq type='result' from='push.example.net' to='push.example.org' id='{}'/>",
        id_of(&first)
    ));
    bench.hear(GRANT);
    assert!(tap(&mut bench, 2).contains("<privileged_iq"));
    bench.hear(GRANT);
    let chosen = |report: &Report| matches!(report, Report::IdentityChosen { .. });
    assert_eq!(
        bench
            .take_reports()
            .iter()
            .filter(|report| chosen(report))
            .count(),
        1
    );
}

#[test]
fn an_adapter_that_is_gone_is_waited_for() {
    let mut world = World::attached();
    world.enable("alice", "phone", "phone");
    world.cut();
    world.bench.up();
    world.bench.hear(GRANT);
    world.bench.take();
    assert_eq!(
        tap(&mut world.bench, 1),
        "",
        "published under a lesser identity"
    );
    world.bench.down();
    world.bench.take();
    world.connect();
    world.settle();
    assert_eq!(world.service().nodes(), ["phone"]);
}

#[test]
fn a_chosen_identity_that_cannot_be_had_is_waited_for() {
    let mut settings = settings();
    settings.identity = IdentityChoice::Only(Identity::Server);
    let mut bench = Bench::new(settings);
    bench.up();
    enable(&mut bench);
    assert_eq!(tap(&mut bench, 1), "");
    bench.hear(GRANT);
    assert_eq!(tap(&mut bench, 2), "");
    assert!(!bench.machine.is_idle());
}

#[test]
fn an_error_under_another_identity_than_the_accepted_ends_nothing() {
    let mut bench = Bench::new(settings());
    bench.up();
    bench.hear(GRANT);
    enable(&mut bench);
    let id = id_of(&tap(&mut bench, 1));
    let privileged = |kind: &str, error: &str| {
        format!(
            "<iq type='result' from='alice@example.org' to='push.example.org' id='{id}'><privilege xmlns='urn:xmpp:privilege:2'>\
             <forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='{kind}' from='push.example.net' id='x'>{error}</iq>\
             </forwarded></privilege></iq>"
        )
    };
    bench.hear(&privileged("result", ""));
    // The operator chose another identity, and the push service does not know it.
    let mut chosen = settings();
    chosen.identity = IdentityChoice::Only(Identity::Component);
    bench.tell(push_core::Event::Configure(Box::new(chosen)));
    let id = id_of(&tap(&mut bench, 2));
    bench.hear(&format!(
        "<iq type='error' from='push.example.net' to='push.example.org' id='{id}'><error type='cancel'>\
         <item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
    ));
    assert_eq!(bench.store.len(), 1);
}

#[test]
fn each_host_has_an_identity_of_its_own() {
    let mut settings = settings();
    settings.hosts.push("example.com".to_owned());
    let mut world = World::attached_with(settings);
    world.adapters.get_mut("example.com").unwrap().disconnect();
    world.enable("alice", "phone", "phone");
    world.missed("offline", "alice", None, "1");
    world.settle();
    assert_eq!(world.service().nodes(), ["phone"]);
}

#[test]
fn a_host_that_is_no_longer_configured_is_not_believed_and_not_used() {
    let mut world = World::attached();
    world.enable("alice", "phone", "phone");
    let mut none = settings();
    none.hosts = vec!["example.com".to_owned()];
    world
        .bench
        .tell(push_core::Event::Configure(Box::new(none)));
    world.reports();
    world.missed("offline", "alice", None, "1");
    world.pass(Duration::from_secs(120));
    assert!(world.service().received.is_empty());
    world
        .bench
        .tell(push_core::Event::Configure(Box::new(settings())));
    world.settle();
    assert_eq!(world.service().nodes(), ["phone"]);
}

#[test]
fn the_server_s_own_error_says_so_in_the_report() {
    let mut world = World::attached();
    world.enable("alice", "phone", "phone");
    world.service().manner = Manner::Unreachable;
    world.reports();
    world.missed("offline", "alice", None, "1");
    world.settle();
    let undeliverable = |report: &Report| {
        matches!(
            report,
            Report::Published {
                end: PublishEnd::Undeliverable(_),
                route: push_core::Route::Adapter,
                ..
            }
        )
    };
    assert!(world.reports().iter().any(undeliverable));
}

#[test]
fn what_waits_for_one_identity_goes_when_another_is_chosen() {
    let mut settings = settings();
    settings.identity = IdentityChoice::Only(Identity::Server);
    let mut bench = Bench::new(settings.clone());
    bench.up();
    enable(&mut bench);
    assert_eq!(tap(&mut bench, 1), "", "there is no adapter");
    settings.identity = IdentityChoice::Only(Identity::Component);
    bench.tell(push_core::Event::Configure(Box::new(settings)));
    let sent = bench.take().concat();
    assert!(
        sent.contains("<iq type='set' from='push.example.org' to='push.example.net'"),
        "{sent}"
    );
}
