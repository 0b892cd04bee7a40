//! The order of events: sessions are served in any, so that of one message the order says nothing.

/// Returns the events in an order that is always the same: neighbours by kind and resource, if they tell of what has just come.
#[must_use]
pub fn ordered(mut events: Vec<String>) -> Vec<String> {
    let numbers: Vec<String> = events
        .iter()
        .map(|event| value(event, "n").to_owned())
        .collect();
    for run in events.chunk_by_mut(|one, next| is_fresh(one) && is_fresh(next)) {
        run.sort_by_key(|event| {
            (
                value(event, "kind").to_owned(),
                value(event, "resource").to_owned(),
            )
        });
    }
    let renumbered = events.iter().zip(numbers).map(|(event, number)| {
        let old = format!(" n='{}'", value(event, "n"));
        event.replacen(&old, &format!(" n='{number}'"), 1)
    });
    renumbered.collect()
}

fn is_fresh(event: &str) -> bool {
    matches!(value(event, "kind"), "archived" | "queued")
}

fn value<'a>(event: &'a str, attribute: &str) -> &'a str {
    let start = format!(" {attribute}='");
    let tag = event.split('>').next().unwrap_or_default();
    let value = tag
        .split_once(&start)
        .and_then(|(_, rest)| rest.split_once('\''));
    value.map_or("", |(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::ordered;

    #[test]
    fn what_has_just_come_is_sorted_and_numbered_anew() {
        let event = |n: u32, kind: &str, resource: &str| {
            format!("<event n='{n}' kind='{kind}' resource='{resource}'/>")
        };
        let told = vec![
            event(4, "queued", "tablet"),
            event(5, "queued", "phone"),
            event(6, "archived", ""),
            event(7, "lost", "phone"),
            event(8, "lost", "b"),
        ];
        let sorted = vec![
            event(4, "archived", ""),
            event(5, "queued", "phone"),
            event(6, "queued", "tablet"),
            event(7, "lost", "phone"),
            event(8, "lost", "b"),
        ];
        assert_eq!(ordered(told), sorted);
    }
}
