//! The statements: each searches by the key.

/// The rows of one owner.
pub(crate) const LOAD: &str = "
    SELECT service, node, revision, status, refusals, days, since, last, enabled_at, document FROM registration
    WHERE owner = ?1 ORDER BY service, node";

/// Everything behind a key.
pub(crate) const PAGE: &str = "
    SELECT service, node, revision, status, refusals, days, since, last, enabled_at, document, owner FROM registration
    WHERE (owner, service, node) > (?1, ?2, ?3) ORDER BY owner, service, node";

/// The next so many owners.
pub(crate) const OWNERS: &str = "
    SELECT DISTINCT owner FROM registration WHERE owner > ?1 ORDER BY owner LIMIT ?2";

/// The statuses behind a key, with the keys.
pub(crate) const STATUSES: &str = "
    SELECT status, owner, service, node FROM registration
    WHERE (owner, service, node) > (?1, ?2, ?3) ORDER BY owner, service, node LIMIT ?4";

pub(crate) const ENABLE: &str = "
    INSERT INTO registration
        (owner, bucket, service, node, revision, status, refusals, days, since, last, enabled_at, document,
        updated_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, CAST(unixepoch('subsec') * 1000 AS INTEGER))
    ON CONFLICT (owner, service, node, bucket) DO UPDATE SET
        revision = excluded.revision, status = excluded.status, refusals = excluded.refusals,
        days = excluded.days, since = excluded.since, last = excluded.last, enabled_at = excluded.enabled_at,
        document = excluded.document, updated_at = excluded.updated_at
    WHERE registration.revision <= excluded.revision";

pub(crate) const SETTLE: &str = "
    UPDATE registration
    SET status = ?5, refusals = ?6, days = ?7, since = ?8, last = ?9, updated_at = CAST(unixepoch('subsec') * 1000 AS INTEGER)
    WHERE owner = ?1 AND service = ?2 AND node = ?3 AND revision = ?4";

pub(crate) const REMOVE: &str = "
    DELETE FROM registration
    WHERE owner = ?1 AND service = ?2 AND node = ?3 AND revision BETWEEN ?4 AND ?5";

pub(crate) const REMOVE_SERVICE: &str =
    "DELETE FROM registration WHERE owner = ?1 AND service = ?2 AND revision <= ?3";

pub(crate) const REMOVE_OWNER: &str =
    "DELETE FROM registration WHERE owner = ?1 AND revision <= ?2";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorMapper;
    use crate::migrate::{self, Earlier};
    use crate::{SqliteConfig, connection, file};

    /// The cost of one owner must not depend on how many others there are.
    #[test]
    fn every_statement_searches_by_the_key_and_sorts_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let config = SqliteConfig::new(file::prepare(&folder.path().join("a.db")).unwrap());
        let errors = ErrorMapper::new(&config);
        let mut connection = connection::writer(&config, &errors).unwrap();
        migrate::bring_up(&mut connection, &errors, Earlier::Migrate).unwrap();
        for sql in [
            LOAD,
            PAGE,
            OWNERS,
            STATUSES,
            SETTLE,
            REMOVE,
            REMOVE_SERVICE,
            REMOVE_OWNER,
        ] {
            let mut plan = connection
                .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                .unwrap();
            let steps: Vec<String> = plan
                .raw_query()
                .mapped(|step| step.get("detail"))
                .collect::<Result<_, _>>()
                .unwrap();
            let [step] = &steps[..] else {
                panic!("{steps:?} of {sql}");
            };
            let by_key = "SEARCH registration USING PRIMARY KEY (";
            assert!(step.starts_with(by_key), "{step} of {sql}");
        }
    }
}
