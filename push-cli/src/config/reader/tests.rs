use crate::config::environment::Environment;
use crate::config::tests::{LEAST, parse, parse_in, parse_with};
use std::path::Path;

/// Everything that is told of a text.
fn reasons(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

/// Everything that is told of the least configuration with one more section.
fn reasons_with(section: &str) -> String {
    reasons(&format!("{LEAST}\n{section}"))
}

#[test]
fn a_value_of_another_type_is_told_how_to_write_it() {
    let duration = "\"500ms\", \"1s\" or \"2h\"";
    for (section, told) in [
        ("[push.workers]\ncall_timeout = 1000", duration),
        ("[push.workers]\ncall_timeout = \"1000\"", duration),
        (
            "[push.workers]\ncall_timeout = \"0s\"",
            "longer than nothing",
        ),
        (
            "[push.workers]\nworkers = \"5\"",
            "a whole number of at least 1, without quotes",
        ),
        (
            "[push.workers]\nworkers = -5",
            "a whole number of at least 1",
        ),
        (
            "[push]\ninclude_body = \"true\"",
            "true or false, without quotes",
        ),
        ("[push]\nplaceholder = 5", "text in quotes; it is a number"),
        (
            "[push]\nplugin = true",
            "text in quotes; it is true or false",
        ),
        (
            "[push.plugin]\ndefault = 1",
            "text in quotes; it is a section",
        ),
    ] {
        let reasons = reasons_with(section);
        assert!(reasons.contains(told), "{section}: {reasons}");
    }
    let reasons = reasons(&LEAST.replace("[\"example.org\"]", "\"example.org\""));
    assert!(
        reasons.contains("a list of texts in quotes, such as"),
        "{reasons}"
    );
}

#[test]
fn a_key_in_the_wrong_place_is_told_where_it_belongs() {
    for (section, told) in [
        (
            "[push]\nworkers = 5",
            "push.workers: is a section: workers belongs under [push.workers]",
        ),
        (
            "[push]\ncall_timeout = \"1s\"",
            "call_timeout belongs under [push.workers]",
        ),
        (
            "[lease]\nenable = true",
            "lease.enable: is not known: did you mean lease.enabled?",
        ),
        (
            "[[push.workers]]\nworkers = 5",
            "workers belongs under [push.workers]",
        ),
    ] {
        let reasons = reasons_with(section);
        assert!(reasons.contains(told), "{section}: {reasons}");
    }
}

#[test]
fn a_server_needs_a_port() {
    let reasons = reasons(&LEAST.replace("127.0.0.1:5347", "127.0.0.1"));
    let told = "component.server: must be host:port, such as \"127.0.0.1:5347\"";
    assert!(reasons.contains(told), "{reasons}");
}

#[test]
fn a_log_filter_takes_the_place_of_the_level_if_it_can_be_read() {
    let filter = |text| parse_with(&[("RUST_LOG", text)]).map(|config| config.log.filter);
    assert_eq!(
        filter("push_driver=debug"),
        Ok(Some("push_driver=debug".to_owned()))
    );
    assert_eq!(filter(""), Ok(None));
    let told = filter("garbage==").unwrap_err().to_string();
    assert!(told.contains("RUST_LOG: must be a level"), "{told}");
}

#[test]
fn an_override_that_is_no_text_is_refused() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    for name in ["XMPP_PUSH__COMPONENT__SECRET", "RUST_LOG"] {
        let variable = (OsString::from(name), OsString::from_vec(vec![0xff]));
        let told = parse_in(Path::new("."), LEAST, Environment::of([variable])).unwrap_err();
        assert!(told.to_string().contains(name), "{told}");
    }
}
