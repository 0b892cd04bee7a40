//! An upgrade of the adapter that changes the layout of what it keeps.

use std::fs;

use push_tests::live::ejabberd::{Ejabberd, EjabberdConfig};
use push_tests::live::{Result, repository};
use serde_json::json;
use tempfile::TempDir;

use super::deferring::Scene;
use super::played::events;
use super::{config, links};

/// The adapter's sources with another layout.
fn of_another_layout() -> Result<TempDir> {
    let copy = tempfile::tempdir()?;
    for entry in fs::read_dir(repository().join("adapters/ejabberd/src"))? {
        let path = entry?.path();
        let text = fs::read_to_string(&path)?;
        let text = text.replace("-define(LAYOUT, ", "-define(LAYOUT, 1000 + ");
        fs::write(copy.path().join(path.file_name().unwrap_or_default()), text)?;
    }
    Ok(copy)
}

async fn count_tables(server: &Ejabberd) -> Result<u64> {
    let name = json!({ "name": "mod_xmpp_push_state" });
    let answer = server.api("count_tables", &name).await?;
    // As it is, or in an object: that depends on the release.
    let count = answer.get("res").unwrap_or(&answer).as_u64();
    Ok(count.unwrap_or_default())
}

#[tokio::test]
async fn what_an_earlier_layout_kept_is_freed_and_logged() -> Result<()> {
    let server = Ejabberd::start(EjabberdConfig {
        modules: vec![links::killer()],
        global_modules: "mod_test_killer: {}".to_owned(),
        ..config(1)
    })
    .await?;
    let scene = Scene::with(&server).await?;
    scene.waits("one").await?;
    scene.misses(&scene.alice.jid, "two").await?;
    let (tables, told) = (count_tables(&server).await?, scene.poser.heard("<event"));
    server.compile(of_another_layout()?.path()).await?;
    let host = scene.link.slot.host();
    server.restart_module("mod_xmpp_push", &host).await?;
    scene.poser.says_hello("second", None)?;
    scene.poser.is_answered("second").await?;
    scene.poser.settled().await?;
    assert_eq!(scene.poser.heard("<event"), told, "it cannot be read");
    assert_eq!(count_tables(&server).await?, tables);
    let log = server.process()?.log_since(0)?;
    let line = format!("mod_xmpp_push on {host}: what another version of it kept is freed");
    assert_eq!(log.matches(&line).count(), 1, "{log}");
    // The link works as before.
    scene.writer.session.chat(&scene.alice.jid, "three").await?;
    let told = |heard: &[String]| {
        let offline = events(heard, "offline");
        offline
            .last()
            .is_some_and(|event| event.contains("three</body>"))
    };
    scene.poser.component.hears_until(told).await.map(drop)
}
