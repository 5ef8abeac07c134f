-- +goose Up
CREATE TABLE replays (
    id         TEXT PRIMARY KEY,
    account    TEXT NOT NULL,
    -- The one that receives.
    webhook    TEXT NOT NULL,
    state      TEXT NOT NULL,
    revision   BIGINT NOT NULL,
    -- What was asked for, and how far it is: JSON.
    settings   TEXT NOT NULL,
    progress   TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL
);
CREATE INDEX replays_account ON replays (account, created_at, id);
-- One at a time to each webhook; and the few that run are found by it.
CREATE UNIQUE INDEX replays_running ON replays (webhook) WHERE state = 'running';

-- +goose Down
DROP TABLE replays;
