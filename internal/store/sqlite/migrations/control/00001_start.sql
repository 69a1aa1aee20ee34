-- +goose Up

-- River's own tables stand beside these; its migrations are run before them.

CREATE TABLE jobs (
    id         TEXT PRIMARY KEY,
    -- nanoseconds since 1970
    created    INTEGER NOT NULL,
    beat       INTEGER NOT NULL DEFAULT 0,
    -- River's row, which hands this job out
    entry      INTEGER NOT NULL DEFAULT 0,
    document   TEXT NOT NULL,
    workspace  TEXT GENERATED ALWAYS AS (document ->> 'workspace') VIRTUAL,
    assignment TEXT GENERATED ALWAYS AS (document ->> 'assignment') VIRTUAL,
    owner      TEXT GENERATED ALWAYS AS (document ->> 'owner') VIRTUAL,
    state      TEXT GENERATED ALWAYS AS (document ->> 'state') VIRTUAL
) STRICT;
CREATE INDEX jobs_created ON jobs (workspace, created, id);
CREATE INDEX jobs_assignment ON jobs (workspace, assignment, created, id);
CREATE INDEX jobs_owner ON jobs (workspace, owner, created, id);
CREATE INDEX jobs_state ON jobs (workspace, state, created, id);
CREATE INDEX jobs_queued ON jobs (created, id) WHERE state = 'queued';
CREATE INDEX jobs_alive ON jobs (created, id) WHERE state IN ('starting', 'running', 'waiting');

CREATE TABLE logs (
    job      TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    stream   TEXT NOT NULL,
    data     BLOB NOT NULL,
    PRIMARY KEY (job, sequence)
) STRICT;

CREATE TABLE answers (
    key     TEXT PRIMARY KEY,
    request BLOB NOT NULL,
    answer  BLOB NOT NULL,
    at      INTEGER NOT NULL
) STRICT;
