use tokio::time::timeout;

use super::*;
use crate::database::tls;
use crate::server::proxy::Proxy;

/// More than an answer takes, less than anybody waits for.
const SHORT: Duration = Duration::from_millis(500);

/// A client other than the kit's own.
async fn connect(url: &str) -> Result<String> {
    let mut psql = std::process::Command::new(Installed::find()?.program("psql"));
    psql.args(["--no-psqlrc", "--no-align", "--tuples-only"]);
    psql.args(["--dbname", url, "--command", "SELECT current_user"]);
    process::run(psql).await
}

async fn refusal(url: &str) -> String {
    let refused = connect(url).await.expect_err("this was let in");
    refused.to_string()
}

#[tokio::test]
async fn two_databases_of_the_shared_cluster_do_not_see_each_other() -> Result<()> {
    let (one, other) = (fresh_database().await?, fresh_database().await?);
    one.execute("CREATE TABLE t (n int)").await?;
    assert_eq!(one.execute("SELECT count(*) FROM t").await?, "0");
    let missing = other.execute("SELECT count(*) FROM t").await;
    assert!(missing.is_err_and(|error| error.to_string().contains("does not exist")));
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
async fn a_halted_cluster_answers_when_it_goes_on() -> Result<()> {
    let mut cluster = Cluster::own().await?;
    let database = cluster.fresh_database().await?;
    cluster.pause()?;
    assert!(timeout(SHORT, database.execute("SELECT 1")).await.is_err());
    cluster.resume()?;
    assert_eq!(database.execute("SELECT 1").await?, "1");
    Ok(())
}

#[tokio::test]
async fn an_operator_ends_the_connections_of_one_database() -> Result<()> {
    let database = fresh_database().await?;
    let sleeper = database.clone();
    let sleeper = tokio::spawn(async move { sleeper.execute("SELECT pg_sleep(60)").await });
    let ended = async {
        while database.terminate_connections().await? == 0 {}
        sleeper.await.context("a task")
    };
    assert!(
        timeout(PATIENCE, ended)
            .await
            .context("a connection")??
            .is_err()
    );
    Ok(())
}

#[tokio::test]
async fn a_role_has_to_show_its_password_and_owns_its_database() -> Result<()> {
    let database = fresh_database().await?;
    let role = database.create_owner("it's p@ss:w/rd").await?;
    assert_eq!(connect(&database.url_of(&role)).await?.trim(), role.name);
    let wrong = Role {
        password: "guess".to_owned(),
        ..role
    };
    let refusal = refusal(&database.url_of(&wrong)).await;
    assert!(
        refusal.contains("password authentication failed"),
        "{refusal}"
    );
    Ok(())
}

#[tokio::test]
async fn with_tls_a_client_must_use_it_and_can_tell_the_server() -> Result<()> {
    let settings = Settings {
        tls: true,
        ..Settings::default()
    };
    let cluster = Cluster::start(settings).await?;
    let made = cluster.certificates().ok_or_else(not_running)?;
    let database = cluster.fresh_database().await?;
    let url = database.url_of(&database.create_owner("secret").await?);
    let trusting =
        |authority: &Path| format!("?sslmode=verify-full&sslrootcert={}", authority.display());

    let verified = trusting(&made.authority);
    connect(&format!("{url}{verified}")).await?;
    for (url, why) in [
        (format!("{url}?sslmode=disable"), "no encryption"),
        (
            format!("{url}{}", trusting(&made.stranger)),
            "certificate verify failed",
        ),
        (
            format!("{url}{verified}").replace(tls::NAME, "127.0.0.1"),
            "does not match",
        ),
    ] {
        let refusal = refusal(&url).await;
        assert!(refusal.contains(why), "{refusal}");
    }
    Ok(())
}

#[tokio::test]
async fn clients_reach_a_database_through_a_proxy_and_the_operator_without() -> Result<()> {
    let cluster = Cluster::shared().await?;
    let proxy = Proxy::start(cluster.port()).await?;
    let database = cluster.fresh_database().await?.at(proxy.port());
    connect(&database.url()).await?;
    assert_eq!(proxy.connections(), 1);
    proxy.refuse(true);
    refusal(&database.url()).await;
    assert_eq!(database.execute("SELECT 1").await?, "1");
    Ok(())
}
