use super::*;
use crate::action::Query;
use crate::machine::sample::{NOW, event, owner, target};
use crate::report::EndReason;
use rand_core::SeedableRng;

#[test]
fn what_a_push_service_revokes_is_removed_and_then_its_event_is_acknowledged() {
    let settings = Settings::new("push.example.org", vec!["example.org".to_owned()]);
    let rng = ChaCha8Rng::from_seed([7; 32]);
    let mut notifier = Notifier::new(Seeded::new(1, 2), rng, &settings);
    let (alice, at) = (owner("alice"), Some(NOW));
    let revocation = Revocation {
        target: target("a"),
        user: alice.clone(),
    };
    notifier.revoked(NOW, &alice, revocation, at, event(1));
    let Some(Effect::Ask(id, Query::Commit(changes))) = notifier.next(NOW) else {
        unreachable!()
    };
    assert!(matches!(&changes[..], [Change::Remove { target: of, .. }] if *of == target("a")));
    assert!(notifier.next(NOW).is_none() && !notifier.is_idle());
    let done = StoreAnswer::Committed(vec![Committed::Removed(1)]);
    notifier.stored(NOW, id, Ok(done));
    let ended = Report::Ended {
        trace: None,
        owner: alice,
        target: target("a"),
        reason: EndReason::Revoked,
    };
    assert!(matches!(notifier.next(NOW), Some(Effect::Report(report)) if report == ended));
    assert!(
        matches!(notifier.next(NOW), Some(Effect::Acknowledge(events)) if events == [event(1)])
    );
    assert!(notifier.next(NOW).is_none() && notifier.is_idle());
}
