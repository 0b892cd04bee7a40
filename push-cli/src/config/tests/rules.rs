//! Rules of an administrator.

use super::*;
use crate::config::push::PluginChoice;

#[test]
fn rules_are_read_in_their_order_and_take_the_place_of_a_plugin() {
    let text = with_services(
        r#"
        [[push.rules]]
        name = "calls"
        conditions = [{ jingle = true, hint = "store" }, { event = "unack_msg", jingle = true }]
        action = "push"
        content = "jingle"
        class = "call"
        [[push.rules]]
        name = "strangers"
        conditions = [{ from = "*.example.net" }]
        action = "skip"
        [[push.rules]]
        name = "rest"
        conditions = [{ body = "non_empty", type = "chat", user_status = "offline", count = 2 }]
        action = "push"
        content = "message"
        to = "absent"
        body = "New message"
        [[push.shadow_rules]]
        name = "all"
        action = "push"
        content = "count"
    "#,
    );
    let config = parse(&text).unwrap();
    assert_eq!(config.settings.plugin.name(), "rules");
    let PluginChoice::Rules(rules) = &config.plugin else {
        unreachable!("{:?}", config.plugin)
    };
    let names: Vec<_> = rules
        .rules()
        .iter()
        .map(|rule| rule.name.as_str())
        .collect();
    assert_eq!(names, ["calls", "strangers", "rest"]);
    assert_eq!(rules.rules()[0].conditions.len(), 2);
    let wants = config.settings.plugin.wants();
    assert!(wants.any && wants.calls, "the shadow rules see everything");
}

#[test]
fn every_problem_of_a_rule_is_told_where_it_is() {
    let cases = [
        ("name = 'a'\naction = 'push'", "push.rules.1.content"),
        (
            "name = 'a'\naction = 'skip'\ncontent = 'count'",
            "push.rules.1.content",
        ),
        ("name = 'a'\naction = 'hunter2'", "push.rules.1.action"),
        ("name = 'a'", "push.rules.1.action"),
        ("action = 'skip'", "push.rules.1.name"),
        ("name = ''\naction = 'skip'", "push.rules.1.name"),
        (
            "name = 'a'\naction = 'skip'\nconditions = [{}]",
            "push.rules.1.conditions.1",
        ),
        (
            "name = 'a'\naction = 'skip'\nconditions = 'chat'",
            "push.rules.1.conditions",
        ),
        (
            "name = 'a'\naction = 'skip'\nconditions = [{ type = 'chat' }, { type = 'chat' }]",
            "push.rules.1.conditions.2",
        ),
        (
            "name = 'a'\naction = 'skip'\nconditions = [{ tipe = 'chat' }]",
            "push.rules.1.conditions.1.tipe",
        ),
    ];
    for (rule, path) in cases {
        let found = problems(&with_services(&format!("[[push.rules]]\n{rule}")));
        let paths: Vec<_> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert!(paths.contains(&path), "{rule}: {paths:?}");
        assert!(!format!("{found:?}").contains("hunter2"));
    }
    let twice = "[[push.rules]]\nname = 'a'\naction = 'skip'\n".repeat(2);
    assert_eq!(problems(&with_services(&twice))[0].0, "push.rules.2.name");
}

#[test]
fn rules_and_a_plugin_exclude_each_other() {
    let rule = "name = 'a'\naction = 'skip'";
    let beside = format!("[push]\nplugin = 'default'\n[[push.rules]]\n{rule}");
    assert_eq!(problems(&with_services(&beside))[0].0, "push.plugin");
    let placeholder = format!("[push]\nplaceholder = 'x'\n[[push.rules]]\n{rule}");
    assert_eq!(
        problems(&with_services(&placeholder))[0].0,
        "push.placeholder"
    );
    let shadow = format!("[[push.shadow_rules]]\n{rule}");
    assert_eq!(problems(&with_services(&shadow))[0].0, "push.shadow_rules");
}

#[test]
fn a_host_may_have_a_plugin_of_its_own() {
    let host = |rest: &str| with_services(&format!("[[host]]\nname = 'example.org'\n{rest}"));
    let rules = "[[host.rules]]\nname = 'none'\naction = 'skip'";
    for (text, plugin) in [("plugin = 'mongooseim'", "MongooseIm"), (rules, "Rules")] {
        let config = parse(&host(text)).unwrap();
        let of_host = format!("{:?}", config.plugins_of_hosts["example.org"]);
        assert!(of_host.starts_with(plugin), "{of_host}");
        assert!(matches!(config.plugin, PluginChoice::Default(_)));
    }
    let cases = [
        (host(""), "host.1"),
        (host("plugin = 'hunter2'"), "host.1.plugin"),
        (
            host("plugin = 'default'\n[[host]]\nname = 'example.org'\nplugin = 'default'"),
            "host.2.name",
        ),
        (
            with_services("[[host]]\nname = 'b.example'\nplugin = 'default'"),
            "host.1.name",
        ),
        (with_services("[[host]]\nplugin = 'default'"), "host.1.name"),
    ];
    for (text, path) in cases {
        let found = problems(&text);
        assert!(found.iter().any(|(at, _)| at == path), "{path}: {found:?}");
    }
}
