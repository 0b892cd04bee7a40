//! Limits, and who may ask.

use super::*;

#[test]
fn limits_are_named() {
    let limits = RequestLimits::default();
    let node = |length: usize| {
        let node = "n".repeat(length);
        format!("<enable xmlns='urn:xmpp:push:0' jid='push.example.net' node='{node}'/>")
    };
    let service = |length: usize| {
        // Labels of 63 at most.
        let jid = format!("{}.example.net", vec!["x".repeat(59); length].join("."));
        format!("<enable xmlns='urn:xmpp:push:0' jid='a@{jid}' node='n'/>")
    };
    let fields = |count: usize| {
        let fields: Vec<String> = (0..count)
            .map(|n| format!("<field var='f{n}'><value>v</value></field>"))
            .collect();
        submit(&format!("{FORM_TYPE}{}", fields.concat()))
    };
    let size = |size: usize| {
        let value = "v".repeat(size - 1);
        submit(&format!(
            "{FORM_TYPE}<field var='f'><value>{value}</value></field>"
        ))
    };
    for at_limit in [
        node(limits.node),
        fields(limits.fields),
        size(limits.options),
    ] {
        assert_eq!(answer(&at_limit).what, "result");
    }
    assert_eq!(answer(&service(3)).what, "result");
    for (over, text) in [
        (
            node(limits.node + 1),
            format!("the node is over the limit of {}", limits.node),
        ),
        (
            fields(limits.fields + 1),
            format!(
                "the number of fields of the form is over the limit of {}",
                limits.fields
            ),
        ),
        (
            size(limits.options + 1),
            format!("the form is over the limit of {}", limits.options),
        ),
    ] {
        refused(&over, "modify/not-acceptable", &text);
    }
}

#[test]
fn a_service_over_the_limit_is_named_too() {
    let mut settings = settings();
    settings.policy.request.service = 20;
    let mut bench = Bench::new(settings);
    let ask = |bench: &mut Bench, jid: &str| {
        let payload = format!("<enable xmlns='urn:xmpp:push:0' jid='{jid}' node='n'/>");
        by_delegation(bench, 2, "set", &payload)
    };
    bench.up();
    bench.take();
    assert_eq!(ask(&mut bench, "aaaaaaaa.example.net").what, "result");
    let told = ask(&mut bench, "aaaaaaaaa.example.net");
    assert_eq!(told.what, "modify/not-acceptable");
    assert_eq!(
        told.text,
        "the jid of the push service is over the limit of 20"
    );
}

#[test]
fn only_the_account_itself_may() {
    let forged = [
        (
            "mallory@example.org/x",
            "alice@example.org",
            "mallory@example.org/x",
        ),
        (
            "alice@example.com/x",
            "alice@example.com",
            "alice@example.com/x",
        ),
        ("alice@example.org/x", "example.org", "alice@example.org/x"),
        ("example.org/x", "example.org", "example.org/x"),
    ];
    for (from, to, answered) in forged {
        let mut bench = attached();
        bench.hear(&format!(
            "<iq type='set' from='{HOST}' to='push.example.org' id='o'><delegation xmlns='urn:xmpp:delegation:2'>\
             <forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='set' from='{from}' to='{to}' id='i'>{}\
             </iq></forwarded></delegation></iq>",
            enable("")
        ));
        let sent = bench.take().concat();
        let outer = parse(&sent);
        let inner = outer.root().only_child().unwrap().only_child().unwrap();
        let inner = inner.only_child().unwrap();
        assert_eq!(inner.attribute("to"), Some(answered));
        let told = inner_told(inner);
        assert_eq!(told.what, "cancel/not-allowed", "{from}");
        assert_eq!(
            told.text,
            "push can only be enabled and disabled for your own account"
        );
        assert!(bench.store.is_empty());
    }
}

#[test]
fn the_twenty_first_registration_evicts_the_oldest() {
    let mut bench = attached();
    let enable = |bench: &mut Bench, node: usize| {
        bench.pass(std::time::Duration::from_secs(1));
        let payload =
            format!("<enable xmlns='urn:xmpp:push:0' jid='push.example.net' node='n{node}'/>");
        bench.take();
        bench.take_reports();
        assert_eq!(by_link(bench, &payload).what, "result");
        let outcome = bench
            .take_reports()
            .into_iter()
            .find_map(|report| match report {
                Report::Requested { outcome, .. } => Some(outcome),
                _ => None,
            });
        outcome.unwrap()
    };
    let enabled = |replaced, evicted| RequestOutcome::Enabled { replaced, evicted };
    for node in 0..20 {
        assert_eq!(enable(&mut bench, node), enabled(false, false));
    }
    // Replacing at the limit is no addition, and makes it the youngest.
    assert_eq!(enable(&mut bench, 0), enabled(true, false));
    assert_eq!(enable(&mut bench, 20), enabled(false, true));
    let have = bench.store.registrations("alice@example.org");
    assert_eq!(have.len(), 20);
    let node = |node: &str| have.iter().any(|have| have.target.node.as_str() == node);
    assert!(node("n0") && node("n20") && !node("n1"));
}

#[test]
fn nothing_of_a_request_is_shown() {
    let mut bench = attached();
    let payload = submit(&format!(
        "{FORM_TYPE}<field var='secret'><value>{SECRET}</value></field>"
    ));
    by_link(&mut bench, &payload);
    by_link(&mut bench, &payload.replace("type='submit'", "type='form'"));
    let shown = format!("{:?} {:?}", bench.reports, bench.machine);
    assert!(!shown.contains(SECRET));
}

#[test]
fn a_key_that_no_index_holds_is_refused() {
    let mut world = World::attached();
    // Each part is within its own limit.
    let (user, node) = ("u".repeat(1023), "n".repeat(1023));
    let most = 2560 - user.len() - "@example.org".len() - node.len();
    let ask = |world: &mut World, service: usize| {
        let service = format!("{}@push.example.net", "s".repeat(service - 17));
        let payload = format!("<enable xmlns='urn:xmpp:push:0' jid='{service}' node='{node}'/>");
        world.request(&user, "phone", &payload)
    };
    assert_eq!(ask(&mut world, most + 1), "modify/not-acceptable");
    assert_eq!(ask(&mut world, most), "result");
}
