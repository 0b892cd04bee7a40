//! Registrations that another instance changes in the database.

use super::{fresh_database, place};
use push_core::store::Change;
use push_tests::live::Result;
use push_tests::live::service::ServiceConfig;
use push_tests::live::stage::Stage;
use push_tests::store::{enable, jid, registration, remove, target};
use std::time::Duration;

/// Within which time they are honoured.
const TTL: Duration = Duration::from_secs(2);

#[tokio::test]
async fn what_another_instance_adds_removes_or_replaces_is_honoured_in_time() -> Result<()> {
    let database = fresh_database().await?;
    let (lease, ports) = place().await?;
    let config = ServiceConfig {
        store: database.section(),
        more: format!("[cache]\nttl = \"{TTL:?}\"\n[log]\nlevel = \"debug\""),
        ..ServiceConfig::new(&[lease.slot], ports.component)
    };
    let stage = Stage::with(lease, ports, &config).await?;
    let writer = stage.writer().await?;
    let nobody = stage.client("nobody", "phone").await?;
    nobody.session.close().await?;
    let removed = stage.sleeper("removed", "removed").await?;
    let replaced = stage.sleeper("replaced", "replaced").await?;
    let to_all = async || -> Result<()> {
        for user in [&nobody, &removed, &replaced] {
            writer.session.chat(&user.jid, "hello").await?;
        }
        writer.settled().await
    };

    to_all().await?;
    // All three are known by heart now, and the server has been told that the first has none.
    stage.push.receives(2).await?;
    let (store, service) = (database.store().await?, stage.push.jid());
    let before = store.load(&[jid(&replaced.jid)]).await?;
    let later = before.accounts[0].registrations[0].revision.as_u64() + 1;
    let changes: [Change; 3] = [
        enable(&nobody.jid, &registration(service, "added", 1)),
        remove(&removed.jid, &target(service, "removed")),
        enable(&replaced.jid, &registration(service, "replaced", later)),
    ];
    store.commit(&changes).await?;
    tokio::time::sleep(TTL).await;
    to_all().await?;

    let got = stage.push.receives(4).await?;
    let mut told: Vec<_> = got[2..].iter().map(|one| one.node.as_str()).collect();
    told.sort_unstable();
    assert_eq!(told, ["added", "replaced"]);
    // Of what clients enable with, none has but one.
    assert!(
        got[2..].iter().all(|one| one.options.len() == 1),
        "{got:#?}"
    );
    stage.push.stays_at(4).await
}
