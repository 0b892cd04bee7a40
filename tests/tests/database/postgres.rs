use push_tests::database::postgres::{Cluster, Settings, fresh_database};
use push_tests::server::Result;

#[tokio::test]
async fn two_databases_of_the_shared_cluster_do_not_see_each_other() -> Result<()> {
    let (one, other) = (fresh_database().await?, fresh_database().await?);
    one.execute("CREATE TABLE t (n int)").await?;
    assert!(one.execute("SELECT count(*) FROM t").await? == "0");
    let refused = other.execute("SELECT count(*) FROM t").await;
    assert!(refused.is_err_and(|error| error.to_string().contains("does not exist")));
    Ok(())
}

#[tokio::test]
async fn what_is_committed_survives_a_stop_and_a_kill() -> Result<()> {
    let mut cluster = Cluster::own().await?;
    let database = cluster.fresh_database().await?;
    database.execute("CREATE TABLE t (n int)").await?;
    cluster.restart().await?;
    database.execute("INSERT INTO t VALUES (1)").await?;
    cluster.kill()?;
    assert!(database.execute("SELECT 1").await.is_err());
    cluster.start_again().await?;
    assert_eq!(database.execute("SELECT n FROM t").await?, "1");
    Ok(())
}

#[tokio::test]
async fn tls() -> Result<()> {
    let cluster = Cluster::start(Settings {
        tls: true,
        ..Settings::default()
    })
    .await?;
    let database = cluster.fresh_database().await?;
    assert_eq!(database.execute("SHOW ssl").await?, "on");
    Ok(())
}
