//! `xmpp-push rules`, by the program itself.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// The rules that the documentation shows.
fn documented() -> String {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rules.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let block = docs.split("```toml\n").nth(1).unwrap();
    block.split("```").next().unwrap().to_owned()
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Returns the decision of the documented rules about a message.
    fn decided(&self, message: &str, options: &[&str]) -> String {
        let rules = self.write("rules.toml", &documented());
        let message = self.write("message.xml", message);
        let output = Command::new(env!("CARGO_BIN_EXE_xmpp-push"))
            .args(["rules", "try"])
            .args([rules, message])
            .args(options)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

fn check(file: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xmpp-push"))
        .args(["rules", "check"])
        .arg(file)
        .output()
        .unwrap()
}

const CHAT: &str = "<message type='chat' from='Bob@example.com/x' to='alice@example.org/phone'><body>hi</body></message>";

#[test]
fn the_documented_rules_decide_as_the_document_says() {
    let folder = Folder::new();
    let chat = folder.decided(CHAT, &[]);
    assert!(
        chat.starts_with("push: messages\nto: all; class: message\n"),
        "{chat}"
    );
    assert!(chat.contains("<value>bob@example.com</value>"), "{chat}");
    let online = folder.decided(CHAT, &["--session", "laptop:0:active"]);
    assert_eq!(online, "skip: no rule matches\n");
    let cut = [
        "--cause",
        "unacked",
        "--resource",
        "phone",
        "--session",
        "phone:0:hibernated",
    ];
    let cut = folder.decided(CHAT, &cut);
    assert!(cut.starts_with("push: cut off\nto: session;"), "{cut}");
    let call = "<message from='bob@example.com/x' to='alice@example.org'><propose xmlns='urn:xmpp:jingle-message:0' id='s1'/></message>";
    let call = folder.decided(call, &[]);
    assert!(
        call.starts_with("push: calls\nto: all; class: call\n"),
        "{call}"
    );
    assert!(call.contains("jmi-from"), "{call}");
    let news = CHAT.replace("Bob@example.com/x", "all@daily.news.example");
    assert_eq!(folder.decided(&news, &[]), "skip: newsletters\n");
}

#[test]
fn a_decision_is_told_as_json_with_what_the_shadow_rules_say() {
    let folder = Folder::new();
    let shadow = "\n[[push.shadow_rules]]\nname = \"quiet\"\naction = \"skip\"\n";
    let rules = folder.write("rules.toml", &(documented() + shadow));
    let message = folder.write("message.xml", CHAT);
    let output = Command::new(env!("CARGO_BIN_EXE_xmpp-push"))
        .args(["rules", "try", "--json"])
        .args([rules, message])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for part in [
        r#""decision":"push""#,
        r#""reason":"messages""#,
        r#""shadow":"quiet""#,
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_mistake_is_told_with_its_line_and_without_its_value() {
    let folder = Folder::new();
    let text = documented().replace("action = \"skip\"", "action = \"hunter2\"");
    let file = folder.write("rules.toml", &text);
    let output = check(&file);
    assert_eq!(output.status.code(), Some(78));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("push.rules.2.action (line 8): must be one of"),
        "{said}"
    );
    assert!(!said.contains("hunter2"));
}

#[test]
fn rules_that_are_never_reached_are_named() {
    let folder = Folder::new();
    let all = "[[push.rules]]\nname = \"all\"\naction = \"skip\"\n";
    let file = folder.write("rules.toml", &(all.to_owned() + &documented()));
    let output = check(&file);
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    let never = "rules: never reached, because \"all\" always matches: calls, newsletters, cut off, messages";
    assert!(said.starts_with(never), "{said}");
}

#[test]
fn what_is_no_message_is_refused() {
    let folder = Folder::new();
    let rules = folder.write("rules.toml", &documented());
    for text in [
        "",
        "<presence/>",
        "<message/>",
        "<message to='a@b'/><message/>",
    ] {
        let message = folder.write("message.xml", text);
        let output = Command::new(env!("CARGO_BIN_EXE_xmpp-push"))
            .args(["rules", "try"])
            .args([&rules, &message])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(65), "{text}");
    }
}
