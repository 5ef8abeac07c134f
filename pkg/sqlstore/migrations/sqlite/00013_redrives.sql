-- +goose Up
-- What sends many records of quarantine again.
CREATE TABLE redrives (
    id         TEXT PRIMARY KEY,
    -- Whose records are meant; empty: those of all.
    account    TEXT NOT NULL,
    state      TEXT NOT NULL,
    revision   BIGINT NOT NULL,
    -- What was asked for, and how far it is: JSON.
    settings   TEXT NOT NULL,
    progress   TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL
);
CREATE INDEX redrives_account ON redrives (account, created_at, id);
CREATE INDEX redrives_newest ON redrives (created_at, id);
-- One at a time of each account; and the few that run are found by it.
CREATE UNIQUE INDEX redrives_running ON redrives (account) WHERE state = 'running';

-- +goose Down
DROP TABLE redrives;
