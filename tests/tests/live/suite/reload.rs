//! SIGHUP: the service follows its configuration without a break.

use super::{Own, stage};
use push_tests::live::Result;
use push_tests::live::push_service::{Notification, PushService, total};
use push_tests::live::service::{Service, ServiceConfig};
use push_tests::live::slot::Slot;
use push_tests::live::stage::Stage;

#[tokio::test]
async fn a_host_that_is_added_is_served_beside_the_one_before() -> Result<()> {
    let server = Own::start_with_one_component().await?;
    let (first, second) = (Slot::new(0), Slot::new(1));
    let ports = server.ports();
    let push = PushService::connect(&first.push_service(), ports.push_service).await?;
    let one = ServiceConfig::new(&[first], ports.component);
    let service = Service::start(&one).await?;
    let mut stage = Stage::assemble(first, ports, service, push);
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    let from = stage.service.process()?.log_size()?;
    let hosts = |hosts: &[String]| format!("hosts = {hosts:?}");
    let (before, after) = (hosts(&one.hosts), hosts(&[first.host(), second.host()]));
    let add = |text: String| text.replace(&before, &after);
    stage.service.reload(add).await?;
    let attached = format!("host=\"{}\" software", second.host());
    stage.service.logs(from, &attached).await?;
    writer.session.chat(&alice.jid, "hello").await?;
    assert_eq!(stage.push.receives(1).await?[0].from, first.host());
    stage = stage.on(second);
    let bob = stage.sleeper("bob", "n").await?;
    writer.session.chat(&bob.jid, "hello").await?;
    assert_eq!(stage.push.receives(2).await?[1].from, second.host());
    let log = stage.service.process()?.log_since(from)?;
    assert!(!log.contains("not connected"), "{log}");
    assert!(!log.contains("adapter detached"), "{log}");
    Ok(())
}

#[tokio::test]
async fn notifications_say_something_else_and_none_is_lost() -> Result<()> {
    const EACH: u64 = 5;
    let stage = stage().await?;
    let (writer, alice) = (stage.writer().await?, stage.sleeper("alice", "n").await?);
    for n in 0..EACH {
        writer
            .session
            .chat(&alice.jid, &format!("before {n}"))
            .await?;
    }
    let say = |text: String| text + "[push]\ninclude_body = true\n";
    stage.service.reload(say).await?;
    for n in 0..EACH {
        writer
            .session
            .chat(&alice.jid, &format!("after {n}"))
            .await?;
    }
    let all = 2 * EACH;
    let got = stage.push.receives_until(|got| total(got) >= all).await?;
    let last = got.last().map(Notification::body);
    assert_eq!(last, Some("after 4"));
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(total(&stage.push.got()), all);
    Ok(())
}
