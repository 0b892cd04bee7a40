//! The adapter tells an operator of each change of a link, once.

use push_tests::live::Result;

use super::Own;
use super::played::Link;

fn count(log: &str, text: &str) -> usize {
    log.matches(text).count()
}

async fn logged(server: &Own, text: &str, times: usize) -> Result<()> {
    for _ in 0..100 {
        if count(&server.log()?, text) >= times {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let log = server.log()?;
    assert_eq!(count(&log, text), times, "{text}: {log}");
    Ok(())
}

#[tokio::test]
async fn attaching_and_detaching_are_logged_once_each() -> Result<()> {
    let server = Own::start().await?;
    let link = Link::on(server.ports());
    let (attached, detached) = (
        format!("attached to {}", link.slot.component()),
        format!("detached from {}", link.slot.component()),
    );
    let poser = link.attached("first").await?;
    poser.says_hello("again", None)?;
    poser.is_answered("again").await?;
    logged(&server, &attached, 1).await?;
    poser.says("bye", "")?;
    logged(&server, &detached, 1).await?;
    poser.component.disconnect();
    let poser = link.attached("second").await?;
    logged(&server, &attached, 2).await?;
    logged(&server, &detached, 1).await?;
    poser.component.disconnect();
    logged(&server, &detached, 2).await
}

#[tokio::test]
async fn another_version_of_the_link_is_logged_once() -> Result<()> {
    let server = Own::start().await?;
    let link = Link::on(server.ports());
    let poser = link.attached("first").await?;
    for _ in 0..3 {
        poser.says(
            "hello version='9' session='later' instance='i' window='9' users='0'",
            "",
        )?;
    }
    poser.settled().await?;
    assert!(!poser.was_answered("later"));
    logged(&server, "speaks version 9 of the link", 1).await
}
