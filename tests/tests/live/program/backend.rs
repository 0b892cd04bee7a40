//! A backend that is not there.

use push_tests::live::Result;
use push_tests::live::program::run;
use push_tests::live::service::ServiceConfig;
use push_tests::live::slot::Slot;

#[tokio::test]
async fn a_backend_that_is_not_built_in_is_refused_with_those_that_are() -> Result<()> {
    let config = ServiceConfig {
        store: "backend = \"redis\"\nurl = \"redis://localhost\"".to_owned(),
        ..ServiceConfig::new(&[Slot::new(0)], 1)
    };
    for command in ["run", "check", "migrate"] {
        let ended = run(&[command], &config).await?;
        assert_eq!(ended.code, Some(78), "{}", ended.printed);
        let has = "has: sqlite, postgres, mongo, memory";
        assert!(ended.printed.contains(has), "{}", ended.printed);
    }
    Ok(())
}
