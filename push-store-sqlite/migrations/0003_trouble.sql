-- What a registration's push service has refused, and when. No program before has judged any: all begin as active.
ALTER TABLE registration RENAME COLUMN failures TO refusals;
ALTER TABLE registration RENAME COLUMN status_at TO since; -- when the first was, Unix milliseconds
ALTER TABLE registration ADD COLUMN days INTEGER NOT NULL DEFAULT 0; -- on how many there were some
ALTER TABLE registration ADD COLUMN last INTEGER NOT NULL DEFAULT 0; -- when the last was, Unix milliseconds
UPDATE registration SET status = 'active', refusals = 0, since = 0 WHERE status <> 'active';
