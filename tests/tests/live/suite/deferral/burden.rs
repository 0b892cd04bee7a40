//! One account with as many registrations as it may have, at push services that never answer.

use super::super::Own;
use super::told_of;
use push_tests::live::Result;
use push_tests::live::newcomer::Newcomer;
use push_tests::live::push_service::{PushService, Reply, told};
use push_tests::live::slot::Slots;
use push_tests::live::stage::{Client, Script, Stage};
use std::time::{Duration, Instant};

const REGISTRATIONS: usize = 20;
const MESSAGES: usize = 150;

/// How long a push of somebody else may take: much less than the 40 s for which the silent ones are waited for.
const AT_ONCE: Duration = Duration::from_secs(5);

/// A window that the messages of one user could fill. What one notification tells of, as much as comes while the account is loaded, stays
/// in it until that has its outcome.
const NARROW: Script = Script {
    config: r#"
[push.workers]
max_queue = 200
[policy]
unproven_after = "500ms"
"#,
    ready: "adapter attached",
    trace: false,
};

/// A user with so many registrations at addresses of this push service, each with a long node, who then leaves.
async fn registered_everywhere(stage: &Stage, push: &PushService) -> Result<String> {
    let jid = stage.slot().user("burden");
    let mut phone = Newcomer::connect(&stage.slot().host(), stage.ports.c2s).await?;
    phone.register(&jid).await?;
    phone.log_in(&jid).await?;
    for n in 0..REGISTRATIONS {
        let address = format!("{n}@{}", push.jid());
        assert!(phone.enable(&address, &"n".repeat(1000)).await?);
    }
    phone.leave().await?;
    Ok(jid)
}

async fn flood(writer: &Client, jid: &str) -> Result<()> {
    for n in 0..MESSAGES {
        writer.session.chat(jid, &n.to_string()).await?;
    }
    writer.settled().await
}

/// Others are told at once, and may enable; `before` messages have been told to `bob` so far.
async fn others_go_on(stage: &Stage, writer: &Client, bob: &Client, before: u64) -> Result<()> {
    let carol = stage.client("carol", "phone").await?;
    for n in 1..=3 {
        let since = Instant::now();
        writer.session.chat(&bob.jid, "hello").await?;
        let enough = |got: &[_]| told(got, "b") >= before + n;
        stage.push.receives_until(enough).await?;
        assert!(since.elapsed() < AT_ONCE, "{:?}", since.elapsed());
        carol.enable(stage, "c").await?;
    }
    told_of(&stage.push, "b", before + 3).await
}

#[tokio::test]
async fn one_account_with_silent_push_services_is_in_nobodys_way_even_after_restarts() -> Result<()>
{
    let mut server = Own::start().await?;
    let (slots, ports) = (Slots::new(0, 2), server.ports());
    let mut stage = Stage::set(slots.lease().await?, ports, NARROW).await?;
    let other = slots.lease().await?;
    let silent = PushService::connect(&other.slot.push_service(), ports.push_service).await?;
    silent.answer(Reply::Nothing);
    let (writer, bob) = (stage.writer().await?, stage.sleeper("bob", "b").await?);
    let burden = registered_everywhere(&stage, &silent).await?;
    flood(&writer, &burden).await?;
    silent.receives_at_least(1).await?;
    others_go_on(&stage, &writer, &bob, 0).await?;
    stage.service.kill()?;
    stage.service.start_again().await?;
    flood(&writer, &burden).await?;
    others_go_on(&stage, &writer, &bob, 3).await?;
    server.restart().await?;
    let writer = stage.writer().await?;
    flood(&writer, &burden).await?;
    others_go_on(&stage, &writer, &bob, 6).await
}
