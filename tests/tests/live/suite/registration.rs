//! Enable and disable, by clients.

use super::stage;
use push_core::xep::pubsub::PUBLISH_OPTIONS;
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
    let others_phone = format!("{}/phone", victim.jid);
    let adapter = format!("{}/xmpp-push", stage.slot().host());
    for to in [
        victim.jid.clone(),
        stage.slot().host(),
        others_phone,
        "somebody@remote.invalid".to_owned(),
        stage.slot().component(),
        adapter,
    ] {
        let request = PushRequest {
            service: Some(&service),
            node: Some("n"),
            to: Some(&to),
            ..PushRequest::default()
        };
        let error = writer.session.enable(&request).await.unwrap_err();
        assert!(error.stanza().is_some(), "{to}: {error}");
    }
    writer.session.chat(&victim.jid, "hello").await?;
    stage.push.stays_at(0).await
}

#[tokio::test]
async fn an_enable_for_a_device_is_none_for_the_account() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.client("alice", "phone").await?);
    // It goes to that device, here the sender itself.
    alice
        .session
        .send(&format!(
            "<iq type='set' id='own' to='{}/phone'><enable xmlns='urn:xmpp:push:0' jid='{}' node='n'/></iq>",
            alice.jid,
            stage.push.jid()
        ))
        .await?;
    alice.settled().await?;
    alice.session.close().await?;
    alice.session.lost().await?;
    writer.session.chat(&alice.jid, "hello").await?;
    stage.push.stays_at(0).await
}

#[tokio::test]
async fn hostile_requests_are_told_the_limit() -> Result<()> {
    let stage = stage().await?;
    let (writer, alice) = (
        stage.writer().await?,
        stage.client("alice", "phone").await?.available().await?,
    );
    let service = stage.push.jid().to_owned();
    let (long_service, long_node) = (format!("{}@{service}", "s".repeat(600)), "n".repeat(1100));
    let (value, huge) = ("v".repeat(9_000), "v".repeat(150_000));
    let names: Vec<_> = (0..40).map(|n| format!("field-{n}")).collect();
    let many = names.iter().map(|name| (name.as_str(), "value"));
    let form_type = ("FORM_TYPE", PUBLISH_OPTIONS);
    let many: Vec<_> = std::iter::once(form_type).chain(many).collect();
    let large = [form_type, ("field", value.as_str())];
    let huge = [form_type, ("field", huge.as_str())];
    let requests = [
        (long_service.as_str(), "n", None, "512"),
        (service.as_str(), long_node.as_str(), None, "1023"),
        (service.as_str(), "n", Some(many.as_slice()), "32"),
        (service.as_str(), "n", Some(large.as_slice()), "8192"),
        (service.as_str(), "n", Some(huge.as_slice()), "8192"),
    ];
    for (service, node, fields, limit) in requests {
        let request = PushRequest {
            service: Some(service),
            node: Some(node),
            fields,
            ..PushRequest::default()
        };
        let error = alice.session.enable(&request).await.unwrap_err();
        assert_eq!(
            error.stanza(),
            Some(("modify", "not-acceptable")),
            "{error}"
        );
        assert!(error.to_string().contains(limit), "{error}");
    }
    alice.session.close().await?;
    alice.session.lost().await?;
    writer.session.chat(&alice.jid, "hello").await?;
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
