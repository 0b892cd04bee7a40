//! Acknowledgements travel with other elements, or soon.

use super::*;

#[test]
fn acknowledgements_come_joined_after_all_else() {
    let mut ours = Ours::attached();
    ours.acknowledge(1);
    ours.state("alice", true);
    ours.acknowledge(2);
    ours.links.answer(host(0), 1, 7, Ok(()));
    ours.state("bob", false);
    assert_eq!(
        ours.sent(),
        ["a: users 1 alice=true, answer 7 true, users 2 bob=false, ack 1-2"]
    );
}

#[test]
fn an_acknowledgement_that_nothing_takes_along_is_sent_soon() {
    let mut ours = Ours::attached();
    ours.acknowledge(1);
    assert!(ours.sent().is_empty());
    ours.acknowledge(2);
    assert_eq!(ours.sent_soon(), ["a: ack 1-2"]);
    ours.acknowledge(3);
    ours.state("alice", true);
    assert_eq!(ours.sent(), ["a: users 1 alice=true, ack 3"]);
    assert!(ours.sent_soon().is_empty(), "it was sent once");
}

#[test]
fn an_adapter_that_waits_for_acknowledgements_gets_them_at_once() {
    let mut ours = Ours::attached();
    (1..=2).for_each(|number| ours.acknowledge(number));
    assert!(ours.sent().is_empty());
    ours.acknowledge(3);
    assert_eq!(
        ours.sent(),
        ["a: ack 1-3"],
        "a quarter of the window of ten"
    );
    ours.links.stop();
    ours.sent();
    let event = ours.event(4).unwrap();
    ours.links.acknowledge(ours.now, vec![event]);
    assert_eq!(
        ours.sent(),
        ["a: ack 4"],
        "a service that stops waits for nothing"
    );
}

#[test]
fn acknowledgements_wait_until_all_that_goes_before_is_sent() {
    let mut ours = Ours::attached();
    ours.acknowledge(1);
    for number in 1..=51 {
        ours.links.answer(host(0), 1, number, Ok(()));
    }
    let messages = ours.sent();
    assert!(!messages[0].contains("ack"), "{messages:?}");
    assert_eq!(messages[1..], ["a: answer 51 true, ack 1"]);
}

#[test]
fn a_deferred_event_that_ends_while_its_adapter_is_away_is_acknowledged_when_it_is_back() {
    let mut ours = Ours::attached();
    let event = ours.event(1).unwrap();
    let deferral = Deferral {
        event,
        into: None,
        recipients: Vec::new(),
    };
    ours.links.defer(deferral);
    assert_eq!(ours.sent(), ["a: defer 1 into None"]);
    ours.links.detach(host(0));
    ours.links.acknowledge(ours.now, vec![event]);
    ours.links.greet(ours.now, host(0));
    assert_eq!(ours.sent(), ["a: hello"], "nobody would hear it");
    assert!(ours.answer_hello("epoch"));
    assert_eq!(ours.sent_soon(), ["a: ack 1"]);
}
