-- +goose Up

-- A row is its document; what is looked up by is a column made from it, so
-- that the two cannot differ. Sealed bytes are apart, in columns of their own.

CREATE TABLE workspaces (
    id       TEXT PRIMARY KEY,
    document TEXT NOT NULL
) STRICT;

CREATE TABLE members (
    id        TEXT PRIMARY KEY,
    document  TEXT NOT NULL,
    workspace TEXT GENERATED ALWAYS AS (document ->> 'workspace') VIRTUAL
) STRICT;
CREATE INDEX members_workspace ON members (workspace, id);

CREATE TABLE blobs (
    workspace TEXT NOT NULL,
    label     TEXT NOT NULL,
    blob      BLOB NOT NULL,
    PRIMARY KEY (workspace, label)
) STRICT;

CREATE TABLE credentials (
    id        TEXT PRIMARY KEY,
    document  TEXT NOT NULL,
    workspace TEXT GENERATED ALWAYS AS (document ->> 'workspace') VIRTUAL,
    name      TEXT GENERATED ALWAYS AS (document ->> 'name') VIRTUAL,
    tier      TEXT GENERATED ALWAYS AS (document ->> 'tier') VIRTUAL,
    owner     TEXT GENERATED ALWAYS AS (document ->> 'owner') VIRTUAL,
    shared    INTEGER GENERATED ALWAYS AS (document ->> 'shared') VIRTUAL,
    -- an empty owner for the team's: no member has an empty id
    holder    TEXT GENERATED ALWAYS AS (iif(document ->> 'shared', '', document ->> 'owner')) VIRTUAL
) STRICT;
CREATE UNIQUE INDEX credentials_group ON credentials (workspace, holder, name);
CREATE INDEX credentials_name ON credentials (workspace, name, id);

CREATE TABLE sealed_keys (
    workspace  TEXT NOT NULL,
    credential TEXT NOT NULL,
    version    INTEGER NOT NULL,
    blob       BLOB NOT NULL,
    PRIMARY KEY (workspace, credential, version)
) STRICT;

CREATE TABLE sealed_fields (
    workspace  TEXT NOT NULL,
    credential TEXT NOT NULL,
    version    INTEGER NOT NULL,
    name       TEXT NOT NULL,
    blob       BLOB NOT NULL,
    PRIMARY KEY (workspace, credential, version, name)
) STRICT;

CREATE TABLE seen (
    workspace TEXT NOT NULL,
    message   BLOB NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (workspace, message)
) STRICT, WITHOUT ROWID;

CREATE TABLE assignments (
    id        TEXT PRIMARY KEY,
    document  TEXT NOT NULL,
    workspace TEXT GENERATED ALWAYS AS (document ->> 'workspace') VIRTUAL,
    name      TEXT GENERATED ALWAYS AS (document ->> 'name') VIRTUAL
) STRICT;
CREATE UNIQUE INDEX assignments_name ON assignments (workspace, name);

CREATE TABLE attachments (
    id         TEXT PRIMARY KEY,
    assignment TEXT NOT NULL REFERENCES assignments (id) ON DELETE CASCADE,
    document   TEXT NOT NULL,
    workspace  TEXT GENERATED ALWAYS AS (document ->> 'workspace') VIRTUAL,
    credential TEXT GENERATED ALWAYS AS (document ->> 'credential') VIRTUAL
) STRICT;
CREATE UNIQUE INDEX attachments_pair ON attachments (assignment, credential);
CREATE INDEX attachments_credential ON attachments (credential);
CREATE INDEX attachments_workspace ON attachments (workspace);

CREATE TABLE grants (
    id        TEXT PRIMARY KEY,
    document  TEXT NOT NULL,
    workspace TEXT GENERATED ALWAYS AS (document ->> 'workspace') VIRTUAL,
    state     TEXT GENERATED ALWAYS AS (document ->> 'state') VIRTUAL
) STRICT;
CREATE INDEX grants_alive ON grants (workspace, id) WHERE state <> 'dead';

-- The audit log: one chain a workspace. What is in a column is not in the
-- document: both together are the event, and its hash covers both.
CREATE TABLE chains (
    id        INTEGER PRIMARY KEY,
    workspace TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE events (
    -- the chain's id times 2^40, plus the sequence
    id         INTEGER PRIMARY KEY,
    kind       TEXT NOT NULL,
    decision   TEXT NOT NULL,
    member     TEXT NOT NULL,
    job        TEXT NOT NULL,
    assignment TEXT NOT NULL,
    credential TEXT NOT NULL,
    version    INTEGER NOT NULL,
    document   TEXT NOT NULL,
    hash       BLOB NOT NULL
) STRICT;

-- The log's index, coarse so that an append stays cheap: among the 256 events
-- whose id divided by 256 is block, there is one whose field has the value.
CREATE TABLE marks (
    chain INTEGER NOT NULL,
    field INTEGER NOT NULL,
    value TEXT NOT NULL,
    block INTEGER NOT NULL,
    PRIMARY KEY (chain, field, value, block)
) STRICT, WITHOUT ROWID;

-- Which versions of a credential the log tells of.
CREATE TABLE versions (
    chain      INTEGER NOT NULL,
    credential TEXT NOT NULL,
    version    INTEGER NOT NULL,
    PRIMARY KEY (chain, credential, version)
) STRICT, WITHOUT ROWID;
