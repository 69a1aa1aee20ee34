-- +goose Up

-- Credentials that were deleted and can be taken back. Their sealed values stay where
-- they are, under the id; there is no row of credentials that leads to them.
CREATE TABLE deleted (
    id        TEXT PRIMARY KEY,
    document  TEXT NOT NULL,
    workspace TEXT GENERATED ALWAYS AS (document ->> '$.credential.workspace') VIRTUAL,
    at        TEXT GENERATED ALWAYS AS (document ->> 'at') VIRTUAL
) STRICT;
CREATE INDEX deleted_workspace ON deleted (workspace, id);
