//! Whom a missed message is told to, by its cause and where the user is.

use push_tests::world::{Seat, World};

/// alice with registrations enabled by these resources; the node is the resource.
fn alice(resources: &[&str]) -> World {
    let mut world = World::attached();
    for resource in resources {
        world.enable("alice", resource, resource);
    }
    world
}

/// Whom one message is told to while these sessions are there.
fn told(
    registered: &[&str],
    seats: &[Seat],
    kind: &'static str,
    resource: Option<&str>,
) -> Vec<String> {
    let mut world = alice(registered);
    for seat in seats {
        world.adapter().arrive("alice", seat.clone());
    }
    world.missed(kind, "alice", resource, "m");
    world.settle();
    assert_eq!(world.adapter().kept(), 0, "not acknowledged");
    let nodes = world.service().nodes();
    nodes.into_iter().map(str::to_owned).collect()
}

#[test]
fn offline_messages_go_to_all() {
    let nobody: [&str; 0] = [];
    assert_eq!(
        told(&["phone", "tablet"], &[], "offline", None),
        ["phone", "tablet"]
    );
    assert_eq!(told(&[], &[], "offline", None), nobody);
}

#[test]
fn sessions_that_take_no_messages_do_not_count() {
    for seat in [
        Seat::live("phone", -1),
        Seat::silent("phone"),
        Seat::hibernated("phone"),
    ] {
        let told = told(&["phone", "tablet"], &[seat], "offline", None);
        assert_eq!(told, ["phone", "tablet"]);
    }
}

#[test]
fn somebody_who_is_back_is_told_only_where_they_are_not() {
    let back = [Seat::live("laptop", 0)];
    assert_eq!(
        told(&["laptop", "phone"], &back, "offline", None),
        ["phone"]
    );
    assert_eq!(
        told(&["laptop", "phone"], &back, "lost", Some("phone")),
        ["phone"]
    );
}

#[test]
fn a_hibernated_session_is_told_on_its_own_device() {
    let seats = [Seat::hibernated("phone")];
    for kind in ["unacked", "queued"] {
        assert_eq!(
            told(&["phone", "tablet"], &seats, kind, Some("phone")),
            ["phone"]
        );
    }
}

#[test]
fn of_two_phones_the_hibernated_one_is_told() {
    let seats = [Seat::hibernated("phone-1"), Seat::live("phone-2", 0)];
    let told = told(&["phone-1", "phone-2"], &seats, "queued", Some("phone-1"));
    assert_eq!(told, ["phone-1"]);
}

#[test]
fn a_hibernated_session_nobody_enabled_goes_to_those_of_no_other_live_session() {
    let seats = [Seat::hibernated("unbound"), Seat::live("tablet", 0)];
    let told = told(&["phone", "tablet"], &seats, "queued", Some("unbound"));
    assert_eq!(told, ["phone"]);
}

#[test]
fn what_is_not_acknowledged_in_time_goes_to_its_device_although_it_seems_connected() {
    let seats = [Seat::live("phone", 0)];
    assert_eq!(
        told(&["phone"], &seats, "unacked", Some("phone")),
        ["phone"]
    );
}

#[test]
fn online_elsewhere_tells_the_devices_without_a_session() {
    let seats = [Seat::live("laptop", 5)];
    assert_eq!(
        told(&["phone", "laptop"], &seats, "archived", None),
        ["phone"]
    );
    let seats = [Seat::live("laptop", 5), Seat::live("phone", 0)];
    let nobody: [&str; 0] = [];
    assert_eq!(told(&["phone", "laptop"], &seats, "archived", None), nobody);
    let seats = [Seat::live("laptop", 5), Seat::hibernated("phone")];
    assert_eq!(
        told(&["phone", "laptop"], &seats, "archived", None),
        ["phone"]
    );
}

#[test]
fn a_session_that_ended_with_the_message_tells_all_who_are_not_there() {
    assert_eq!(
        told(&["phone", "tablet"], &[], "lost", Some("phone")),
        ["phone", "tablet"]
    );
}

#[test]
fn the_resource_that_enabled_last_names_the_device() {
    let mut world = World::attached();
    world.enable("alice", "before", "node");
    world.enable("alice", "after", "node");
    world.adapter().arrive("alice", Seat::live("before", 0));
    world.missed("archived", "alice", None, "m");
    world.settle();
    assert_eq!(world.service().nodes(), ["node"]);
}

#[test]
fn a_registration_without_resource_belongs_to_no_session() {
    let mut world = World::attached();
    world.bench.hear(
        "<iq type='set' from='example.org' to='push.example.org' id='o'><delegation xmlns='urn:xmpp:delegation:2'>\
         <forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='set' from='alice@example.org' id='i'>\
         <enable xmlns='urn:xmpp:push:0' jid='push.example.net' node='node'/></iq></forwarded></delegation></iq>",
    );
    world.adapter().arrive("alice", Seat::live("laptop", 0));
    world.missed("archived", "alice", None, "m");
    world.settle();
    assert_eq!(world.service().nodes(), ["node"]);
}
