-- +goose Up

CREATE TABLE requests (
    id        TEXT PRIMARY KEY,
    document  TEXT NOT NULL,
    workspace TEXT GENERATED ALWAYS AS (document ->> 'workspace') VIRTUAL,
    state     TEXT GENERATED ALWAYS AS (document ->> 'state') VIRTUAL,
    job       TEXT GENERATED ALWAYS AS (document ->> 'job') VIRTUAL,
    member    TEXT GENERATED ALWAYS AS (document ->> 'member') VIRTUAL
) STRICT;
CREATE INDEX requests_workspace ON requests (workspace, id);
CREATE INDEX requests_job ON requests (job, id);
