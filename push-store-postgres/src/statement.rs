//! The statements. All of them are of fixed text and name the bucket where they name the owner, so that each row is
//! looked for in one partition of a table that is partitioned by it.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId, SqlQuery};

/// A statement that each connection prepares once.
///
/// diesel prepares what [`diesel::sql_query`] makes anew each time, for it cannot know that there are few texts. Ours
/// are the constants below.
pub(crate) struct Prepared<Q>(pub(crate) Q);

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Prepared<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

/// Known by its text.
impl<Q> QueryId for Prepared<Q> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Prepared<Q> {
    type SqlType = Q::SqlType;
}

/// One of the texts below, to bind values to.
pub(crate) fn sql(text: &'static str) -> SqlQuery {
    diesel::sql_query(text)
}

/// A number of rows, as `LIMIT` takes it.
pub(crate) fn limited(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// The rows of many owners, each with the ordinal its owner was asked for at.
pub(crate) const LOAD: &str = "
    SELECT asked.ordinal, r.owner, r.service, r.node, r.revision, r.status, r.refusals, r.days, r.since, r.last, r.enabled_at, r.document
    FROM unnest($1, $2) WITH ORDINALITY AS asked (owner, bucket, ordinal)
    JOIN registration AS r ON r.owner = asked.owner AND r.bucket = asked.bucket
    ORDER BY asked.ordinal, r.service, r.node";

/// The next so many rows behind a key.
pub(crate) const PAGE: &str = "
    SELECT 0::bigint AS ordinal, owner, service, node, revision, status, refusals, days, since, last, enabled_at, document
    FROM registration
    WHERE (owner, service, node) > ($1, $2, $3) ORDER BY owner, service, node LIMIT $4";

/// The next so many owners.
pub(crate) const OWNERS: &str = "
    SELECT DISTINCT ON (owner) owner, bucket FROM registration WHERE owner > $1 ORDER BY owner LIMIT $2";

/// How many of the next so many rows have which status, and the key of the last of them.
pub(crate) const COUNT: &str = "
    WITH portion AS MATERIALIZED (
        SELECT owner, service, node, status FROM registration
        WHERE (owner, service, node) > ($1, $2, $3) ORDER BY owner, service, node LIMIT $4
    ), last AS (
        SELECT owner, service, node FROM portion ORDER BY owner DESC, service DESC, node DESC LIMIT 1
    )
    SELECT status, count, owner, service, node
    FROM (SELECT status, count(*) AS count FROM portion GROUP BY status) AS counted CROSS JOIN last";

/// Locks the rows of these owners, in one order, so that of two transactions that change the same one waits for the other
/// instead of each for each other.
pub(crate) const LOCK: &str = "
    SELECT 1 FROM unnest($1, $2) AS s (owner, bucket)
    JOIN registration AS r ON r.owner = s.owner AND r.bucket = s.bucket
    ORDER BY r.owner, r.service, r.node FOR UPDATE OF r";

/// The owners whose registration was stored; it has no owner twice.
pub(crate) const ENABLE: &str = "
    INSERT INTO registration
        (owner, service, node, bucket, revision, status, refusals, days, since, last, enabled_at, document,
        updated_at)
    SELECT *, (extract(epoch FROM clock_timestamp()) * 1000)::bigint
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (owner, service, node, bucket) DO UPDATE SET
        revision = excluded.revision, status = excluded.status, refusals = excluded.refusals,
        days = excluded.days, since = excluded.since, last = excluded.last, enabled_at = excluded.enabled_at,
        document = excluded.document, updated_at = excluded.updated_at
    WHERE registration.revision <= excluded.revision
    RETURNING owner";

/// The owners whose registration was settled.
pub(crate) const SETTLE: &str = "
    UPDATE registration AS r SET
        status = s.status, refusals = s.refusals, days = s.days, since = s.since, last = s.last,
        updated_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        AS s (owner, service, node, bucket, revision, status, refusals, days, since, last)
    WHERE r.owner = s.owner AND r.service = s.service AND r.node = s.node AND r.bucket = s.bucket
        AND r.revision = s.revision
    RETURNING r.owner";

/// The owner of each row that went. Without service or node, all of them are meant.
pub(crate) const REMOVE: &str = "
    DELETE FROM registration AS r
    USING unnest($1, $2, $3, $4, $5, $6) AS s (owner, service, node, bucket, first, last)
    WHERE r.owner = s.owner AND r.bucket = s.bucket AND r.revision BETWEEN s.first AND s.last
        AND (s.service IS NULL OR r.service = s.service) AND (s.node IS NULL OR r.node = s.node)
    RETURNING r.owner";

/// Takes a lease or prolongs it. Times are those of the database, at the moment, not at the transaction's beginning.
/// The fence is that of whoever holds it already, else the next, and at least the time in Unix seconds. Nothing is
/// returned while another holds it.
pub(crate) const TAKE: &str = "
    INSERT INTO lease AS l (name, holder, fence, until)
    VALUES ($1, $2, extract(epoch FROM clock_timestamp())::bigint, clock_timestamp() + $3 * interval '1 millisecond')
    ON CONFLICT (name) DO UPDATE SET
        holder = excluded.holder, until = excluded.until,
        fence = CASE WHEN l.holder = excluded.holder AND l.until > clock_timestamp() THEN l.fence
            ELSE greatest(l.fence + 1, excluded.fence) END
    WHERE l.holder = excluded.holder OR l.until <= clock_timestamp()
    RETURNING fence";

/// The row stays, for the fence.
pub(crate) const RELEASE: &str =
    "UPDATE lease SET until = '-infinity' WHERE name = $1 AND holder = $2";
