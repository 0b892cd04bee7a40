//! Who is believed: the service by the adapter, the adapter by the service, nobody else by either.

use super::stage;
use push_tests::live::Result;
use push_tests::live::puppet::{Outgoing, ReceivedMessage};
use push_tests::live::stage::Stage;

const LINK: &str = "urn:x-xmpp-push:link";

/// What the service could say to the adapter, each with an effect if it came from the service.
fn commands(stage: &Stage, user: &str) -> Vec<String> {
    let push = stage.push.jid();
    let user = user.split('@').next().unwrap_or_default();
    let publish = "<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='stolen'><item>\
                   <notification xmlns='urn:xmpp:push:0'/></item></publish></pubsub>";
    [
        "<ping xmlns='LINK'/>".to_owned(),
        "<hello xmlns='LINK' version='2' session='s' instance='other' window='1' users='0'><want>offline</want></hello>".to_owned(),
        format!("<users xmlns='LINK' n='1' reset='1'><none>{user}</none></users>"),
        format!("<publish xmlns='LINK' ref='1' to='{push}' timeout='9'>{publish}</publish>"),
        "<answer xmlns='LINK' ref='1' type='result'/>".to_owned(),
        "<bye xmlns='LINK'/>".to_owned(),
    ]
    .map(|command| command.replace("LINK", LINK))
    .to_vec()
}

/// What the adapter could say to the service.
fn reports(stage: &Stage, user: &str) -> Vec<String> {
    let (push, host) = (stage.push.jid(), stage.slot().host());
    let local = user.split('@').next().unwrap_or_default();
    let missed = format!(
        "<message xmlns='jabber:client' from='x@{host}' to='{user}' type='chat' id='forged'><body>forged</body></message>"
    );
    let enable = format!("<enable xmlns='urn:xmpp:push:0' jid='{push}' node='forged'/>");
    [
        "<knock xmlns='LINK'/>".to_owned(),
        "<hello xmlns='LINK' version='2' session='s' epoch='e' software='forged' dropped='0'/>".to_owned(),
        format!("<event xmlns='LINK' n='900' kind='offline' user='{local}'>{missed}</event>"),
        format!("<event xmlns='LINK' n='901' kind='removed' user='{local}'/>"),
        format!("<request xmlns='LINK' ref='9' user='{local}' resource='phone'>{enable}</request>"),
        "<outcome xmlns='LINK' ref='1' type='error' etype='cancel' condition='item-not-found'/>".to_owned(),
        format!("<forwarded xmlns='urn:xmpp:forward:0'>{missed}</forwarded>"),
        "<delegation xmlns='urn:xmpp:delegation:2'><delegated namespace='urn:xmpp:push:0'/></delegation>".to_owned(),
        "<privilege xmlns='urn:xmpp:privilege:2'><perm access='iq'><namespace ns='http://jabber.org/protocol/pubsub' type='both'/></perm></privilege>".to_owned(),
    ]
    .map(|report| report.replace("LINK", LINK))
    .to_vec()
}

/// Servers answer what nobody takes with an error, which may hold what was sent.
fn is_error(stanza: &str) -> bool {
    stanza.contains("type='error'") || stanza.contains("type=\"error\"")
}

/// Everything works as before: `sleeper` is woken, under the own registration only.
async fn unharmed(stage: &Stage, sleeper: &str) -> Result<()> {
    let writer = stage.client("unharmed", "desk").await?;
    writer.session.chat(sleeper, "real").await?;
    assert_eq!(stage.push.receives(1).await?[0].node, "n");
    stage.push.stays_at(1).await
}

#[tokio::test]
async fn another_component_is_not_taken_for_the_service() -> Result<()> {
    let (stage, elsewhere) = (stage().await?, stage().await?);
    let alice = stage.sleeper("alice", "n").await?;
    let host = stage.slot().host();
    for liar in [&stage.push, &elsewhere.push] {
        let commands = commands(&stage, &alice.jid);
        for command in &commands {
            let from = liar.jid();
            liar.say(&format!(
                "<message from='{from}' to='{host}/xmpp-push'>{command}</message>"
            ))?;
        }
        let heard = liar.hears(commands.len()).await?;
        assert!(heard.iter().all(|stanza| is_error(stanza)), "{heard:#?}");
        assert_eq!(heard.len(), commands.len());
    }
    unharmed(&stage, &alice.jid).await?;
    elsewhere.push.stays_at(0).await
}

#[tokio::test]
async fn another_component_is_not_taken_for_the_adapter() -> Result<()> {
    let (stage, elsewhere) = (stage().await?, stage().await?);
    let alice = stage.sleeper("alice", "n").await?;
    let bob = stage.client("bob", "phone").await?;
    bob.session.close().await?;
    bob.session.lost().await?;
    let component = stage.slot().component();
    for (liar, user) in [(&stage.push, &alice), (&elsewhere.push, &bob)] {
        for report in reports(&stage, &user.jid) {
            for from in ["", "/xmpp-push", "/offline"] {
                let from = format!("{}{from}", liar.jid());
                liar.say(&format!(
                    "<message from='{from}' to='{component}'>{report}</message>"
                ))?;
            }
        }
        // The answer to a ping comes after all that.
        let ping = "<ping xmlns='urn:xmpp:ping'/>";
        let from = liar.jid();
        liar.say(&format!(
            "<iq type='get' from='{from}' to='{component}' id='done'>{ping}</iq>"
        ))?;
        let heard = liar.hears(1).await?;
        assert!(
            heard.len() == 1 && heard[0].contains("done"),
            "it learned {heard:#?}"
        );
    }
    let writer = stage.writer().await?;
    writer.session.chat(&bob.jid, "nobody is told").await?;
    unharmed(&stage, &alice.jid).await
}

#[tokio::test]
async fn another_component_cannot_enable_for_a_user() -> Result<()> {
    let stage = stage().await?;
    let victim = stage.client("victim", "phone").await?;
    victim.session.close().await?;
    victim.session.lost().await?;
    let (push, component) = (stage.push.jid(), stage.slot().component());
    let enable = format!("<enable xmlns='urn:xmpp:push:0' jid='{push}' node='n'/>");
    let inner = format!(
        "<iq xmlns='jabber:client' from='{}/phone' type='set' id='i'>{enable}</iq>",
        victim.jid
    );
    for version in [1, 2] {
        stage.push.say(&format!(
            "<iq type='set' from='{push}' to='{component}' id='d'><delegation xmlns='urn:xmpp:delegation:{version}'>\
             <forwarded xmlns='urn:xmpp:forward:0'>{inner}</forwarded></delegation></iq>"
        ))?;
    }
    let heard = stage.push.hears(2).await?;
    assert!(
        heard
            .iter()
            .all(|stanza| is_error(stanza) && stanza.contains("not-allowed")),
        "{heard:#?}"
    );
    let writer = stage.writer().await?;
    writer.session.chat(&victim.jid, "hello").await?;
    stage.push.stays_at(0).await
}

#[tokio::test]
async fn a_client_is_taken_for_neither() -> Result<()> {
    let stage = stage().await?;
    let alice = stage.sleeper("alice", "n").await?;
    // Its full JID ends like the adapter's address.
    let liar = stage.client("liar", "xmpp-push").await?;
    let adapter = format!("{}/xmpp-push", stage.slot().host());
    let component = stage.slot().component();
    let said = commands(&stage, &alice.jid)
        .into_iter()
        .chain(reports(&stage, &alice.jid));
    for element in said {
        for to in [&adapter, &component] {
            let message = Outgoing {
                to,
                extra: &[&element],
                ..Outgoing::default()
            };
            liar.session.message(&message).await?;
        }
    }
    liar.settled().await?;
    let received = liar.session.received().await?;
    let answer = |message: &ReceivedMessage| message.kind != "error" && message.xml.contains(LINK);
    assert!(!received.iter().any(answer), "it learned {received:#?}");
    unharmed(&stage, &alice.jid).await
}
