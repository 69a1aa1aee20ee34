-- +goose Up

-- People and what they prove themselves by. Of bearers there is a hash; passwords are
-- among the sealed blobs.
CREATE TABLE people (
    id       TEXT PRIMARY KEY,
    document TEXT NOT NULL,
    name     TEXT GENERATED ALWAYS AS (document ->> 'name') VIRTUAL
) STRICT;
CREATE UNIQUE INDEX people_name ON people (name);

ALTER TABLE members ADD COLUMN person TEXT GENERATED ALWAYS AS (document ->> 'person') VIRTUAL;
CREATE INDEX members_person ON members (person, id);

CREATE TABLE sessions (
    id       TEXT PRIMARY KEY,
    sum      BLOB NOT NULL,
    document TEXT NOT NULL,
    person   TEXT GENERATED ALWAYS AS (document ->> 'person') VIRTUAL
) STRICT;
CREATE UNIQUE INDEX sessions_sum ON sessions (sum);
CREATE INDEX sessions_person ON sessions (person, id);

CREATE TABLE tokens (
    id        TEXT PRIMARY KEY,
    sum       BLOB NOT NULL,
    document  TEXT NOT NULL,
    workspace TEXT GENERATED ALWAYS AS (document ->> 'workspace') VIRTUAL,
    member    TEXT GENERATED ALWAYS AS (document ->> 'member') VIRTUAL
) STRICT;
CREATE UNIQUE INDEX tokens_sum ON tokens (sum);
CREATE INDEX tokens_workspace ON tokens (workspace, id);

CREATE TABLE invitations (
    id        TEXT PRIMARY KEY,
    sum       BLOB NOT NULL,
    document  TEXT NOT NULL,
    workspace TEXT GENERATED ALWAYS AS (document ->> 'workspace') VIRTUAL
) STRICT;
CREATE UNIQUE INDEX invitations_sum ON invitations (sum);
CREATE INDEX invitations_workspace ON invitations (workspace, id);
