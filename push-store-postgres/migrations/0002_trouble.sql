-- What a registration's push service has refused, and when. No program before has judged any: all begin as active.
-- Defaults only for the rows that are there: whoever writes a row names every column.
ALTER TABLE registration RENAME COLUMN failures TO refusals;
ALTER TABLE registration RENAME COLUMN status_at TO since;             -- when the first was, Unix milliseconds
ALTER TABLE registration ADD COLUMN days integer NOT NULL DEFAULT 0;   -- on how many there were some
ALTER TABLE registration ADD COLUMN last bigint  NOT NULL DEFAULT 0;   -- when the last was, Unix milliseconds
ALTER TABLE registration ALTER COLUMN days DROP DEFAULT, ALTER COLUMN last DROP DEFAULT;
UPDATE registration SET status = 'active', refusals = 0, since = 0 WHERE status <> 'active';
