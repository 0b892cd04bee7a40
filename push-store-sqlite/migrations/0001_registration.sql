-- One row for each (owner, service, node). The bucket, 16 bits of the owner's SHA-256, is in the key as in every
-- other store's. No index on what changes: an update rewrites one leaf.
CREATE TABLE registration (
    owner      TEXT    NOT NULL, -- bare JID
    service    TEXT    NOT NULL, -- bare JID of the push service
    node       TEXT    NOT NULL,
    bucket     INTEGER NOT NULL,
    revision   INTEGER NOT NULL,
    status     TEXT    NOT NULL,
    enabled_at INTEGER NOT NULL, -- Unix milliseconds
    updated_at INTEGER NOT NULL, -- Unix milliseconds, this row's last write
    document   TEXT    NOT NULL, -- JSON with a version "v"
    PRIMARY KEY (owner, service, node, bucket)
) STRICT, WITHOUT ROWID;
