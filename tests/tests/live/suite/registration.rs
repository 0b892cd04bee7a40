//! Enable and disable, by clients.

use super::stage;
use push_tests::live::Result;
use push_tests::live::puppet::PushRequest;

#[tokio::test]
async fn the_feature_is_on_the_own_account() -> Result<()> {
    let stage = stage().await?;
    let alice = stage.client("alice", "phone").await?;
    let features = alice.session.features(Some(&alice.jid)).await?;
    let push = features
        .iter()
        .filter(|feature| *feature == "urn:xmpp:push:0")
        .count();
    assert_eq!(push, 1, "{features:?}");
    Ok(())
}

#[tokio::test]
async fn enable_works_without_options_and_with_the_own_address() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (
        stage.writer().await?,
        stage.client("alice", "phone").await?.available().await?,
    );
    let service = stage.push.jid().to_owned();
    let request = PushRequest {
        service: Some(&service),
        node: Some("n"),
        to: Some(&alice.jid),
        ..PushRequest::default()
    };
    alice.session.enable(&request).await?;
    alice.session.close().await?;
    alice.session.lost().await?;
    writer.session.chat(&alice.jid, "hello").await?;
    let got = stage.push.receives(1).await?;
    assert_eq!(got[0].options, []);
    Ok(())
}

#[tokio::test]
async fn after_disable_nothing_comes() -> Result<()> {
    let stage = stage().await?;
    let writer = stage.writer().await?;
    let service = stage.push.jid().to_owned();
    for node in [Some("n"), None] {
        let alice = stage.registered("alice", "n").await?;
        let request = PushRequest {
            service: Some(&service),
            node,
            ..PushRequest::default()
        };
        alice.session.disable(&request).await?;
        alice.session.disable(&request).await?;
        alice.session.close().await?;
        alice.session.lost().await?;
        writer.session.chat(&alice.jid, "hello").await?;
    }
    stage.push.stays_at(0).await
}

#[tokio::test]
async fn disabling_one_node_leaves_the_other() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (
        stage.writer().await?,
        stage.registered("alice", "one").await?,
    );
    alice.enable(&stage, "two").await?;
    let service = stage.push.jid().to_owned();
    let request = PushRequest {
        service: Some(&service),
        node: Some("one"),
        ..PushRequest::default()
    };
    alice.session.disable(&request).await?;
    alice.session.close().await?;
    alice.session.lost().await?;
    writer.session.chat(&alice.jid, "hello").await?;
    let got = stage.push.receives(1).await?;
    assert_eq!(got[0].node, "two");
    stage.push.stays_at(1).await
}

#[tokio::test]
async fn malformed_requests_say_what_was_wrong() -> Result<()> {
    let stage = stage().await?;
    let alice = stage.client("alice", "phone").await?;
    let service = stage.push.jid().to_owned();
    let requests = [
        (
            PushRequest {
                node: Some("n"),
                ..PushRequest::default()
            },
            "jid",
        ),
        (
            PushRequest {
                service: Some(&service),
                ..PushRequest::default()
            },
            "node",
        ),
        (
            PushRequest {
                service: Some(&service),
                node: Some(""),
                ..PushRequest::default()
            },
            "node",
        ),
    ];
    for (request, word) in requests {
        let error = alice.session.enable(&request).await.unwrap_err();
        assert_eq!(error.stanza(), Some(("modify", "bad-request")), "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn another_child_in_the_namespace_is_a_bad_request() -> Result<()> {
    let stage = stage().await?;
    let alice = stage.client("alice", "phone").await?;
    let patience = push_tests::live::puppet::PATIENCE;
    let other = "<enabled xmlns='urn:xmpp:push:0' jid='app.test' node='n'/>";
    let error = alice
        .session
        .iq("set", None, other, patience)
        .await
        .unwrap_err();
    assert_eq!(error.stanza(), Some(("modify", "bad-request")), "{error}");
    Ok(())
}

#[tokio::test]
async fn nobody_enables_for_somebody_else() -> Result<()> {
    let stage = stage().await?;
    let (writer, victim) = (
        stage.writer().await?,
        stage.client("victim", "phone").await?,
    );
    let service = stage.push.jid().to_owned();
    victim.session.close().await?;
    victim.session.lost().await?;
    for to in [victim.jid.clone(), stage.slot().host()] {
        let request = PushRequest {
            service: Some(&service),
            node: Some("n"),
            to: Some(&to),
            ..PushRequest::default()
        };
        let error = writer.session.enable(&request).await.unwrap_err();
        assert_eq!(
            error.stanza().map(|(kind, _)| kind),
            Some("cancel"),
            "{to}: {error}"
        );
    }
    writer.session.chat(&victim.jid, "hello").await?;
    stage.push.stays_at(0).await
}

#[tokio::test]
async fn a_get_is_not_allowed() -> Result<()> {
    let stage = stage().await?;
    let alice = stage.client("alice", "phone").await?;
    let enable = format!(
        "<enable xmlns='urn:xmpp:push:0' jid='{}' node='n'/>",
        stage.push.jid()
    );
    let error = alice
        .session
        .iq("get", None, &enable, push_tests::live::puppet::PATIENCE)
        .await
        .unwrap_err();
    assert_eq!(error.stanza(), Some(("cancel", "not-allowed")), "{error}");
    Ok(())
}

#[tokio::test]
async fn an_account_registered_anew_has_nothing() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.registered("alice", "n").await?);
    alice.session.unregister().await?;
    alice.session.lost().await?;
    let again =
        push_tests::live::puppet::Login::registering(&alice.jid, "phone", alice.proxy.port());
    alice.session.connect(&again).await?;
    alice.session.close().await?;
    alice.session.lost().await?;
    writer.session.chat(&alice.jid, "hello").await?;
    stage.push.stays_at(0).await
}
