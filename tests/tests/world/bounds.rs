//! What is in work is bounded, ends in time, and is worked off before a stop.

use push_core::report::{PublishEnd, Report};
use push_core::{OperatorReply, OperatorRequest};
use push_tests::world::telling;
use push_tests::world::{Bench, Manner, Mood, SERVICE, World, settings};
use std::time::Duration;

fn alice(in_flight: usize) -> World {
    let mut settings = telling(settings());
    settings.policy.in_flight_per_service = in_flight;
    let mut world = World::attached_with(settings);
    for user in ["alice", "bob", "carol"] {
        world.enable(user, "phone", user);
    }
    world.reports();
    world
}

fn ends(world: &mut World) -> Vec<(PublishEnd, u128)> {
    let end = |report| match report {
        Report::Published { end, latency, .. } => Some((end, latency.as_millis())),
        _ => None,
    };
    world.reports().into_iter().filter_map(end).collect()
}

#[test]
fn a_push_service_gets_so_many_at_a_time() {
    let mut world = alice(2);
    world.service().manner = Manner::Slow(Duration::from_secs(1));
    for user in ["alice", "bob", "carol"] {
        world.missed("offline", user, None, user);
    }
    world.pass(Duration::from_secs(5));
    assert_eq!(world.service().most_open, 2);
    assert_eq!(world.service().nodes(), ["alice", "bob", "carol"]);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn what_waits_for_its_turn_absorbs_what_comes_later() {
    let mut world = alice(1);
    world.service().manner = Manner::Slow(Duration::from_secs(1));
    for body in ["1", "2", "3", "4"] {
        world.missed("offline", "alice", None, body);
    }
    world.pass(Duration::from_millis(500));
    assert_eq!(world.adapter().kept(), 4, "acknowledged before published");
    world.pass(Duration::from_secs(5));
    let told = world.service().take();
    let told: Vec<_> = told
        .iter()
        .map(|one| (one.count, one.body.as_deref()))
        .collect();
    assert_eq!(told, [(1, Some("1")), (3, Some("4"))]);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn a_slow_service_delays_no_other() {
    let mut world = alice(1);
    world.service().manner = Manner::Silent;
    let other = "<enable xmlns='urn:xmpp:push:0' jid='other.example.net' node='dave'/>";
    assert_eq!(world.request("dave", "phone", other), "result");
    for user in ["alice", "bob", "dave"] {
        world.missed("offline", user, None, user);
    }
    world.settle();
    assert_eq!(world.service_at("other.example.net").nodes(), ["dave"]);
}

#[test]
fn what_an_adapter_has_no_room_for_is_published_later() {
    let mut world = alice(10);
    world.adapter().max_in_flight = 1;
    world.service().manner = Manner::Slow(Duration::from_millis(2500));
    for user in ["alice", "bob", "carol"] {
        world.missed("offline", user, None, user);
    }
    world.pass(Duration::from_millis(500));
    assert_eq!(world.adapter().kept(), 3);
    world.pass(Duration::from_secs(20));
    assert_eq!(world.adapter().kept(), 0);
    assert_eq!(world.service().nodes(), ["alice", "bob", "carol"]);
    let refused = |(end, _): &&(PublishEnd, u128)| matches!(end, PublishEnd::NotSent(_));
    let refused = ends(&mut world).iter().filter(refused).count();
    assert!((2..12).contains(&refused), "tried {refused} times in vain");
}

#[test]
fn what_waits_is_published_as_it_was_enabled_last() {
    let mut world = alice(1);
    world.service().manner = Manner::Slow(Duration::from_secs(5));
    world.missed("offline", "bob", None, "1");
    world.missed("offline", "alice", None, "2");
    world.settle();
    let payload = format!(
        "<enable xmlns='urn:xmpp:push:0' jid='{SERVICE}' node='alice'><x xmlns='jabber:x:data' type='submit'>\
         <field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>\
         <field var='secret'><value>new</value></field></x></enable>"
    );
    assert_eq!(world.request("alice", "phone", &payload), "result");
    world.pass(Duration::from_secs(10));
    let told = world.service().take();
    assert_eq!(told[1].options, [("secret".to_owned(), "new".to_owned())]);
}

#[test]
fn what_waits_for_a_registration_that_is_disabled_is_not_published() {
    let mut world = alice(1);
    world.service().manner = Manner::Slow(Duration::from_secs(5));
    world.missed("offline", "bob", None, "1");
    world.missed("offline", "alice", None, "2");
    world.settle();
    let disable = format!("<disable xmlns='urn:xmpp:push:0' jid='{SERVICE}'/>");
    assert_eq!(world.request("alice", "phone", &disable), "result");
    world.pass(Duration::from_secs(10));
    assert_eq!(world.service().nodes(), ["bob"]);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn the_adapter_ends_a_publish_that_nobody_answers() {
    let mut world = alice(10);
    world.service().manner = Manner::Silent;
    world.missed("offline", "alice", None, "1");
    world.pass(Duration::from_secs(60));
    assert_eq!(ends(&mut world), [(PublishEnd::TimedOut, 40_004)]);
    assert_eq!(world.bench.store.len(), 3);
    let (kept, outstanding) = (world.adapter().kept(), world.adapter().outstanding());
    assert_eq!((kept, outstanding), (1, 0), "it is tried again later");
}

#[test]
fn a_publish_of_our_own_ends_exactly_at_its_deadline() {
    let (mut bench, id) = own();
    let deadline = bench.now().after(Duration::from_secs(40));
    bench.pass(Duration::from_millis(39_999));
    assert!(bench.take_reports().is_empty());
    assert_eq!(bench.machine.next_deadline(), Some(deadline));
    bench.pass(Duration::from_millis(1));
    let ended = bench.take_reports().into_iter().any(
        |report| matches!(report, Report::Published { end: PublishEnd::TimedOut, latency, .. } if latency.as_secs() == 40),
    );
    assert!(ended);
    // Too late, whatever it says.
    bench.hear(&format!(
        "<iq type='error' from='{SERVICE}' to='push.example.org' id='{id}'><error type='cancel'>\
         <item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
    ));
    assert_eq!(bench.store.len(), 1);
}

/// The component has published by itself, with nothing else in work; the id.
fn own() -> (Bench, String) {
    let mut bench = Bench::new(settings());
    bench.up();
    bench.hear("<message type='error' from='example.org/xmpp-push' to='push.example.org'/>");
    bench.hear(
        "<iq type='set' from='example.org' to='push.example.org' id='o'><delegation xmlns='urn:xmpp:delegation:2'>\
         <forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='set' from='alice@example.org/p' id='i'>\
         <enable xmlns='urn:xmpp:push:0' jid='push.example.net' node='n'/></iq></forwarded></delegation></iq>",
    );
    bench.pass(Duration::from_secs(3));
    bench.take();
    bench.hear(&tap("1"));
    let sent = bench.take().concat();
    let id = sent
        .split(" id='")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap()
        .to_owned();
    // Hellos have deadlines of their own.
    bench.take_reports();
    bench.hear("<message type='error' from='example.org/xmpp-push' to='push.example.org'/>");
    (bench, id)
}

fn tap(id: &str) -> String {
    format!(
        "<message from='example.org' to='push.example.org/offline'><forwarded xmlns='urn:xmpp:forward:0'>\
         <message xmlns='jabber:client' type='chat' from='bob@example.com/x' to='alice@example.org' id='{id}'>\
         <body>hi</body></message></forwarded></message>"
    )
}

#[test]
fn a_publish_of_our_own_lost_with_the_stream_is_sent_again() {
    let (mut bench, id) = own();
    bench.down();
    bench.pass(Duration::from_secs(300));
    assert_eq!(bench.take(), [""; 0]);
    bench.up();
    let again = bench.take().concat();
    assert!(again.contains(&format!("id='{id}'")), "{again}");
    bench.hear(&format!(
        "<iq type='result' from='{SERVICE}' to='push.example.org' id='{id}'/>"
    ));
    assert!(bench.machine.is_idle());
}

#[test]
fn the_window_is_the_queue_shared_by_the_hosts() {
    let mut settings = settings();
    settings.policy.max_queue = 10;
    settings.hosts.push("example.com".to_owned());
    let mut world = World::attached_with(settings);
    assert_eq!(world.adapter().window, 5);
}

#[test]
fn beyond_the_queue_requests_wait_and_forwarded_messages_are_reported() {
    let mut settings = settings();
    settings.policy.max_queue = 2;
    let mut world = World::attached_with(settings);
    world.store(Mood::Slow(Duration::from_secs(5)));
    world.missed("offline", "alice", None, "1");
    world.missed("offline", "bob", None, "2");
    world.pass(Duration::from_secs(1));
    let enable = format!("<enable xmlns='urn:xmpp:push:0' jid='{SERVICE}' node='n'/>");
    assert_eq!(
        world.request("carol", "phone", &enable),
        "wait/resource-constraint"
    );
    world.bench.hear(&tap("2"));
    assert!(world.reports().contains(&Report::Overloaded));
    world.pass(Duration::from_secs(10));
    world.store(Mood::Works);
    assert_eq!(world.request("carol", "phone", &enable), "result");
}

#[test]
fn a_burst_over_the_window_is_collapsed_and_nothing_is_lost() {
    let mut settings = telling(settings());
    settings.policy.max_queue = 5;
    settings.policy.in_flight_per_service = 1;
    let mut world = World::attached_with(settings);
    world.enable("alice", "phone", "alice");
    for n in 0..200 {
        world.missed("offline", "alice", None, &format!("{n}"));
    }
    world.pass(Duration::from_secs(10));
    let told = world.service().take();
    assert_eq!(told.iter().map(|one| one.count).sum::<u64>(), 200);
    assert_eq!(told.last().unwrap().body.as_deref(), Some("199"));
    assert!(told.len() < 10, "{}", told.len());
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn drained_is_said_when_nothing_is_in_work() {
    let mut world = alice(10);
    world.service().manner = Manner::Slow(Duration::from_secs(5));
    world.missed("offline", "alice", None, "1");
    world.settle();
    assert_eq!(world.bench.ask(OperatorRequest::Drain), None);
    world.settle();
    assert!(!world.adapter().is_attached());
    assert!(world.bench.replies.is_empty());
    // The outcome that comes now is heard.
    world.pass(Duration::from_secs(5));
    let (_, reply) = world.bench.replies.remove(0);
    assert_eq!(reply, OperatorReply::Drained);
}

#[test]
fn what_is_not_decided_at_a_stop_is_left_to_the_next_run() {
    let mut world = alice(1);
    world.service().manner = Manner::Slow(Duration::from_secs(2));
    world.missed("offline", "alice", None, "1");
    world.missed("offline", "bob", None, "2");
    world.missed("offline", "carol", None, "3");
    world.pass(Duration::from_secs(1));
    world.bench.ask(OperatorRequest::Drain);
    // What is in flight gets its outcome; the rest neither leaves nor is acknowledged.
    world.pass(Duration::from_secs(5));
    assert_eq!(world.service().nodes(), ["alice"]);
    assert_eq!(
        world.bench.replies.last().unwrap().1,
        OperatorReply::Drained
    );
    world.restart_service(telling(settings()), 9);
    world.connect();
    world.pass(Duration::from_secs(10));
    let mut nodes = world.service().nodes();
    nodes.sort_unstable();
    assert_eq!(nodes, ["alice", "bob", "carol"]);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn whoever_asks_for_a_drain_is_told_and_nothing_new_is_taken_after_it() {
    let mut world = alice(10);
    world.service().manner = Manner::Slow(Duration::from_secs(5));
    world.missed("offline", "alice", None, "1");
    world.settle();
    assert_eq!(world.bench.ask(OperatorRequest::Drain), None);
    world.bench.tell(push_core::Event::Operator {
        id: push_core::OperatorId(7),
        request: OperatorRequest::Drain,
    });
    world.pass(Duration::from_secs(10));
    assert_eq!(world.bench.replies.len(), 2);
    // It was on its way when the adapter heard that we stop. The next run is told of it again.
    world.bench.hear(
        "<message from='example.org/xmpp-push' to='push.example.org'>\
         <event xmlns='urn:x-xmpp-push:link' n='2' kind='offline' user='bob'/></message>",
    );
    assert_eq!(world.bench.take(), [""; 0]);
}

#[test]
fn an_idle_machine_is_drained_at_once() {
    let mut world = alice(10);
    assert_eq!(
        world.bench.ask(OperatorRequest::Drain),
        Some(OperatorReply::Drained)
    );
}

#[test]
fn status_says_how_things_stand() {
    let mut world = alice(1);
    world.service().manner = Manner::Silent;
    world.missed("offline", "alice", None, "1");
    world.missed("offline", "bob", None, "2");
    world.settle();
    let Some(OperatorReply::Status(status)) = world.bench.ask(OperatorRequest::Status) else {
        unreachable!()
    };
    assert!(status.up);
    assert_eq!((status.load.waiting, status.load.in_flight), (1, 1));
    assert_eq!(status.hosts[0].adapter.as_deref(), Some("fake 1"));
    assert_eq!(
        status.hosts[0].identity,
        Some(push_core::registration::Identity::Server)
    );
}

#[test]
fn ten_thousand_forwarded_messages_are_one_notification_of_bounded_size() {
    let (mut bench, id) = own();
    bench.down();
    bench.take_reports();
    for n in 0..10_000 {
        bench.hear(&tap(&format!("t{n}")));
    }
    let Some(OperatorReply::Status(status)) = bench.ask(OperatorRequest::Status) else {
        unreachable!()
    };
    assert_eq!((status.load.waiting, status.load.in_flight), (1, 1));
    bench.up();
    bench.hear(&format!(
        "<iq type='result' from='push.example.net' to='push.example.org' id='{id}'/>"
    ));
    let sent = bench.take().concat();
    assert!(sent.contains("<value>10000</value>"), "{sent}");
    // Of those that were joined only the newest are recognised when they come again: the others are told twice.
    bench.hear(&tap("t9999"));
    assert_eq!(bench.take().concat(), "");
}

#[test]
fn what_waits_for_a_registration_made_anew_survives_the_end_of_the_old_one() {
    let mut world = alice(1);
    world.service().manner = Manner::Silent;
    world.missed("offline", "alice", None, "1");
    world.missed("offline", "alice", None, "2");
    world.settle();
    world.service().manner = Manner::default();
    let enable = format!("<enable xmlns='urn:xmpp:push:0' jid='{SERVICE}' node='alice'/>");
    assert_eq!(world.request("alice", "phone", &enable), "result");
    // The answer to the first comes now. It is about the registration that was replaced.
    let gone = "type='error' etype='cancel' condition='item-not-found'";
    world.adapter().outcome(1, gone);
    world.collect();
    world.settle();
    assert_eq!(world.service().nodes(), ["alice", "alice"]);
    assert_eq!(world.bench.store.len(), 3);
    assert_eq!(world.adapter().kept(), 0);
}
