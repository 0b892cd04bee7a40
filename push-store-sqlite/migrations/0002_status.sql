-- How a registration fares, in columns of its own: it changes without the rest.
ALTER TABLE registration ADD COLUMN failures  INTEGER NOT NULL DEFAULT 0; -- in a row
ALTER TABLE registration ADD COLUMN status_at INTEGER NOT NULL DEFAULT 0; -- failing since or quarantined until, Unix milliseconds
-- Revisions are ordered by time from here on; those before were random.
UPDATE registration SET revision = (enabled_at << 20) | (revision & 0xfffff);
