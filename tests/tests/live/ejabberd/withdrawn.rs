//! What was told and is true no longer: a service hears of it also when it was away.

use push_tests::live::Result;

use super::played::{Link, attribute, events};

/// The numbers in each withdrawal that was heard.
pub(super) fn withdrawn(heard: &[String]) -> Vec<&str> {
    heard
        .iter()
        .filter(|stanza| stanza.contains("<withdraw"))
        .filter_map(|stanza| stanza.split("</withdraw>").next()?.rsplit('>').next())
        .collect()
}

#[tokio::test]
async fn a_service_that_was_away_is_told_once_who_is_back() -> Result<()> {
    let link = Link::shared().await?;
    let poser = link.attached("first").await?;
    let (writer, alice) = (link.client("writer").await?, link.sleeper("alice").await?);
    for text in ["one", "two"] {
        writer.session.chat(&alice.jid, text).await?;
    }
    let told = |heard: &[String]| events(heard, "offline").len() == 2;
    let heard = poser.component.hears_until(told).await?;
    let numbers: Vec<_> = events(&heard, "offline")
        .iter()
        .filter_map(|event| attribute(event, "n"))
        .collect();
    poser.component.disconnect();
    writer.settled().await?;
    alice.back().await?;
    alice.settled().await?;
    let poser = link.attached("second").await?;
    let all = numbers.join("-");
    let back = |heard: &[String]| withdrawn(heard) == [all.as_str()];
    let heard = poser.component.hears_until(back).await?;
    assert!(events(&heard, "offline").is_empty(), "{heard:#?}");
    poser.says_hello("third", None)?;
    poser.is_answered("third").await?;
    poser.settled().await?;
    assert_eq!(withdrawn(&poser.component.heard()).len(), 1);
    Ok(())
}

/// The connection may break with the withdrawal on its way.
#[tokio::test]
async fn a_withdrawal_without_its_acknowledgement_is_told_once_more() -> Result<()> {
    let link = Link::shared().await?;
    let poser = link.attached("first").await?;
    let (writer, alice) = (link.client("writer").await?, link.sleeper("alice").await?);
    writer.session.chat(&alice.jid, "one").await?;
    let told = |heard: &[String]| events(heard, "offline").len() == 1;
    poser.component.hears_until(told).await?;
    alice.back().await?;
    let once = |heard: &[String]| withdrawn(heard).len() == 1;
    poser.component.hears_until(once).await?;
    poser.says_hello("second", None)?;
    let twice = |heard: &[String]| withdrawn(heard).len() == 2;
    let heard = poser.component.hears_until(twice).await?;
    let numbers = withdrawn(&heard);
    assert_eq!(numbers[0], numbers[1]);
    poser.says_hello("third", None)?;
    poser.is_answered("third").await?;
    poser.settled().await?;
    assert_eq!(withdrawn(&poser.component.heard()).len(), 2);
    Ok(())
}
