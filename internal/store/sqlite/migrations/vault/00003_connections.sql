-- +goose Up

-- One row a connection; it goes with its credential.
CREATE TABLE refreshes (
    credential TEXT PRIMARY KEY REFERENCES credentials (id) ON DELETE CASCADE,
    document   TEXT NOT NULL,
    workspace  TEXT GENERATED ALWAYS AS (document ->> 'workspace') VIRTUAL
) STRICT;

CREATE TABLE clients (
    workspace TEXT NOT NULL,
    connector TEXT NOT NULL,
    document  TEXT NOT NULL,
    PRIMARY KEY (workspace, connector)
) STRICT;

CREATE TABLE links (
    id        TEXT PRIMARY KEY,
    document  TEXT NOT NULL,
    workspace TEXT GENERATED ALWAYS AS (document ->> 'workspace') VIRTUAL
) STRICT;
