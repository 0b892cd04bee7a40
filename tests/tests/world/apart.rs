//! One host's trouble is no other host's.

use push_core::lease::Fence;
use push_core::report::PublishEnd;
use push_core::{Event, OperatorReply, OperatorRequest, Report, Settings};
use push_tests::world::telling;
use push_tests::world::{HOST, Manner, SERVICE, World, settings};
use std::time::Duration;

const OTHER: &str = "example.com";

/// Two hosts on one stream, each with a registration of alice at the same push service.
fn two_hosts(in_flight: usize) -> World {
    let mut settings = telling(settings());
    settings.hosts.push(OTHER.to_owned());
    settings.policy.in_flight_per_service = in_flight;
    let mut world = World::attached_with(settings);
    world.enable("alice", "phone", "here");
    let enable = format!("<enable xmlns='urn:xmpp:push:0' jid='{SERVICE}' node='there'/>");
    let now = world.now();
    let other = world.adapters.get_mut(OTHER).unwrap();
    other.request(now, "alice", "phone", &enable);
    world.collect();
    world.settle();
    assert_eq!(world.bench.store.len(), 2);
    world.reports();
    world
}

fn missed_there(world: &mut World, body: &str) {
    let message = push_tests::world::messages::chat("alice", body);
    let now = world.now();
    let other = world.adapters.get_mut(OTHER).unwrap();
    other.missed(now, "offline", "alice", None, &message, &[]);
    world.collect();
}

fn detach(world: &mut World, host: &str) {
    let error = format!("<message type='error' from='{host}/xmpp-push' to='push.example.org'/>");
    world.bench.hear(&error);
}

#[test]
fn a_detached_host_holds_up_no_other() {
    let mut world = two_hosts(2);
    world.service().manner = Manner::Silent;
    for body in ["1", "2", "3", "4"] {
        missed_there(&mut world, body);
    }
    world.settle();
    // Deliveries in flight there may be lost with the link, and wait for it to come back.
    world.adapters.get_mut(OTHER).unwrap().disconnect();
    detach(&mut world, OTHER);
    world.service().manner = Manner::default();
    world.service().take();
    world.missed("offline", "alice", None, "hello");
    world.settle();
    assert_eq!(world.service().nodes(), ["here"]);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn an_adapter_without_room_stops_no_other() {
    let mut world = two_hosts(10);
    world.adapters.get_mut(OTHER).unwrap().max_in_flight = 0;
    let moment = Duration::from_millis(100);
    missed_there(&mut world, "refused there");
    world.pass(moment);
    world.missed("offline", "alice", None, "hello");
    world.pass(moment);
    assert_eq!(world.service().nodes(), ["here"]);
}

fn configured(world: &mut World, change: impl FnOnce(&mut Settings)) {
    let mut settings = telling(settings());
    settings.hosts.push(OTHER.to_owned());
    change(&mut settings);
    world.bench.tell(Event::Configure(Box::new(settings)));
    world.collect();
}

fn only_here(settings: &mut Settings) {
    settings.hosts.retain(|host| host == HOST);
}

#[test]
fn nothing_of_a_host_that_is_no_longer_served_is_waited_for() {
    let mut world = two_hosts(1);
    world.service().manner = Manner::Silent;
    // One in flight, one waiting for its turn.
    missed_there(&mut world, "1");
    missed_there(&mut world, "2");
    world.settle();
    configured(&mut world, only_here);
    world.settle();
    assert!(world.bench.machine.is_idle());
    let ends = world.reports().into_iter().filter(|report| {
        matches!(
            report,
            Report::Published {
                end: PublishEnd::Withdrawn,
                ..
            }
        )
    });
    assert_eq!(ends.count(), 2);
    let drained = world.bench.ask(OperatorRequest::Drain);
    assert_eq!(drained, Some(OperatorReply::Drained));
}

#[test]
fn a_host_that_is_served_again_tells_again_what_was_not_acknowledged() {
    let mut world = two_hosts(1);
    world.service().manner = Manner::Silent;
    missed_there(&mut world, "1");
    missed_there(&mut world, "2");
    world.settle();
    configured(&mut world, only_here);
    world.settle();
    // The adapter gives up what nobody has answered.
    world.pass(Duration::from_secs(60));
    assert_eq!(world.adapters[OTHER].kept(), 2, "nobody has told anybody");
    world.service().manner = Manner::default();
    world.service().take();
    configured(&mut world, |_| {});
    world.pass(Duration::from_secs(60));
    assert_eq!(world.adapters[OTHER].kept(), 0);
    let told: u64 = world.service().take().iter().map(|one| one.count).sum();
    assert_eq!(told, 2);
}

#[test]
fn a_new_number_of_hosts_is_a_new_window() {
    let mut world = two_hosts(10);
    assert_eq!(world.adapter().window, 5_000);
    configured(&mut world, only_here);
    world.settle();
    assert_eq!(world.adapter().window, 10_000);
    assert!(world.adapter().is_attached());
}

#[test]
fn new_settings_hold_while_the_stream_is_down_and_while_it_drains() {
    let mut world = two_hosts(10);
    world.cut();
    configured(&mut world, only_here);
    world.connect();
    world.settle();
    world.missed("offline", "alice", None, "hello");
    world.settle();
    assert_eq!(world.service().nodes(), ["here"]);
    assert!(!world.adapters[OTHER].is_attached());
    world.service().manner = Manner::Slow(Duration::from_secs(5));
    world.missed("offline", "alice", None, "slow");
    world.settle();
    assert_eq!(world.bench.ask(OperatorRequest::Drain), None);
    configured(&mut world, |_| {});
    world.pass(Duration::from_secs(10));
    let (_, reply) = world.bench.replies.last().unwrap();
    assert_eq!(*reply, OperatorReply::Drained);
}

#[test]
fn the_fence_stays_that_of_the_stream() {
    let mut settings = telling(settings());
    settings.fence = Some(Fence::new(77));
    let mut world = World::attached_with(settings);
    // Other settings, without the fence, that adapters have to hear of.
    configured(&mut world, |settings| settings.policy.max_queue = 10);
    world.settle();
    let (_, hello) = world
        .log
        .iter()
        .rfind(|(_, said)| said.contains("<hello"))
        .unwrap();
    assert!(hello.contains("fence='77'"), "{hello}");
}
