//! Messages that are deferred, or about to be, when a connection is lost or the server restarts.

use super::*;

#[test]
fn what_was_deferred_on_a_connection_that_was_lost_is_deferred_again() {
    let mut world = alice(Manner::Unreachable);
    world.missed("offline", "alice", None, "1");
    world.until_said("<defer ");
    world.cut();
    assert_eq!(world.adapter().deferred(), 0, "it has not heard of it");
    world.connect();
    world.settle();
    assert_eq!(world.adapter().outstanding(), 0);
    assert_eq!(world.adapter().deferred(), 1);
    world.service().manner = Manner::Accepts;
    world.pass(5 * MINUTE);
    assert_eq!(told(&mut world), [(1, "1".to_owned())]);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn what_was_asked_for_on_a_connection_that_was_lost_is_asked_for_again() {
    let mut world = alice(Manner::Unreachable);
    world.missed("offline", "alice", None, "1");
    world.settle();
    world.service().manner = Manner::Accepts;
    world.until_said("<resume ");
    world.cut();
    assert_eq!(world.adapter().deferred(), 1, "it has not heard of it");
    world.connect();
    world.settle();
    assert_eq!(told(&mut world), [(1, "1".to_owned())]);
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn what_waited_for_its_turn_when_the_server_restarts_counts_with_what_comes_later() {
    let mut settings = telling(settings());
    settings.policy.in_flight_per_service = 1;
    let mut world = World::attached_with(settings);
    for device in ["phone", "tablet"] {
        world.enable("alice", device, device);
    }
    world.service().manner = Manner::Slow(Duration::from_secs(10));
    world.missed("offline", "alice", None, "1");
    world.until_said("<publish ");
    world.restart_server("example.org");
    world.missed("offline", "alice", None, "2");
    world.connect();
    world.pass(5 * MINUTE);
    let accepted = std::mem::take(&mut world.service().accepted);
    for node in ["phone", "tablet"] {
        let told = accepted.iter().filter(|one| one.node == node);
        assert_eq!(told.map(|one| one.count).sum::<u64>(), 2, "{node}");
    }
    assert_eq!(world.adapter().kept(), 0);
}
