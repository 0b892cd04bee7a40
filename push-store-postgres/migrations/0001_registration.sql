-- Which versions the tables have been through; the newest is what they are.
CREATE TABLE xmpp_push_schema (
    version    integer     NOT NULL PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- One row for each (owner, service, node). The bucket, 16 bits of the owner's SHA-256, is in the key as in every
-- other store's, so that the table can be partitioned by it. Names are compared as bytes. No index on what changes,
-- and room in each page: an update stays where it is.
CREATE TABLE registration (
    owner      text    COLLATE "C" NOT NULL, -- bare JID
    service    text    COLLATE "C" NOT NULL, -- bare JID of the push service
    node       text    COLLATE "C" NOT NULL,
    bucket     integer NOT NULL,
    revision   bigint  NOT NULL,
    status     text    NOT NULL,
    failures   integer NOT NULL,             -- in a row
    status_at  bigint  NOT NULL,             -- failing since or quarantined until, Unix milliseconds
    enabled_at bigint  NOT NULL,             -- Unix milliseconds
    updated_at bigint  NOT NULL,             -- Unix milliseconds, this row's last write
    document   text    NOT NULL,             -- JSON with a version "v"
    PRIMARY KEY (owner, service, node, bucket)
) WITH (fillfactor = 85);

-- Which instance is at work. A row stays for ever: its fence only grows.
CREATE TABLE lease (
    name   text        NOT NULL PRIMARY KEY,
    holder text        NOT NULL,
    fence  bigint      NOT NULL,             -- grows with each holder; at least when it was taken, Unix seconds
    until  timestamptz NOT NULL
);
