//! What reaches the log.

use super::stage_with;
use push_tests::live::Result;
use push_tests::live::stage::{OPTIONS, Script, Stage};

pub(in super::super) const TALKATIVE: &str = "[push]\ninclude_body = true\ninclude_sender = true";

#[tokio::test]
async fn no_secret_body_or_node_is_logged_and_no_user_above_debug() -> Result<()> {
    let script = Script {
        config: TALKATIVE,
        trace: true,
        ..Script::default()
    };
    nothing_private_is_logged(stage_with(script).await?).await
}

/// The log of a whole push and of a refused one, at its most talkative: no secret, node or text at any level, no JID of a user
/// above debug.
pub(in super::super) async fn nothing_private_is_logged(stage: Stage) -> Result<()> {
    let (writer, alice) = (
        stage.writer().await?,
        stage.sleeper("alice", "node-nobody-may-see").await?,
    );
    writer
        .session
        .chat(&alice.jid, "words-nobody-may-see")
        .await?;
    stage.push.receives(1).await?;
    stage
        .push
        .answer(push_tests::live::push_service::Reply::Error(
            "cancel",
            "item-not-found",
        ));
    writer
        .session
        .chat(&alice.jid, "more-words-nobody-may-see")
        .await?;
    stage.service.logs(0, "registration ended").await?;
    let log = stage.service.process()?.log_since(0)?;
    assert!(log.contains("DEBUG"), "debug lines are there");
    for secret in [
        "nobody-may-see",
        OPTIONS[0].1,
        push_tests::live::slot::SECRET,
    ] {
        assert!(!log.contains(secret), "{secret} is in the log");
        let bytes = format!("{:?}", secret.as_bytes());
        let bytes = bytes.trim_matches(['[', ']']);
        assert!(!log.contains(bytes), "{secret} is in the log, as bytes");
    }
    let told =
        |line: &&str| !line.contains("DEBUG") && !line.contains("TRACE") && line.contains('@');
    assert_eq!(log.lines().find(told), None, "a user's JID above debug");
    Ok(())
}
