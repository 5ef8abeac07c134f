-- +goose Up
-- The points of sale of an account: those that an event had, and those that a person
-- named.
CREATE TABLE stores (
    account    TEXT NOT NULL,
    id         TEXT NOT NULL,
    name       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account, id)
);

-- The entries of the topic quarantine, which has the records themselves.
CREATE TABLE quarantine (
    id               TEXT PRIMARY KEY,
    -- Whose it is; empty: that is not known.
    account          TEXT NOT NULL,
    reason           TEXT NOT NULL,
    detail           TEXT   NOT NULL,
    -- Where it was read, and where it is in quarantine.
    source_topic     TEXT   NOT NULL,
    source_partition BIGINT NOT NULL,
    source_offset    BIGINT NOT NULL,
    topic            TEXT   NOT NULL,
    partition_number BIGINT NOT NULL,
    record_offset    BIGINT NOT NULL,
    bytes            BIGINT NOT NULL,
    state            TEXT   NOT NULL,
    created_at       BIGINT NOT NULL,
    changed_at       BIGINT NOT NULL
);
CREATE INDEX quarantine_newest ON quarantine (created_at, id);
CREATE INDEX quarantine_account ON quarantine (account, created_at, id);
CREATE INDEX quarantine_reason ON quarantine (reason, created_at, id);

-- Where to go on reading the topics quarantine and stores; moves with what was
-- registered, in the same transaction.
CREATE TABLE register_offsets (
    topic            TEXT NOT NULL,
    partition_number BIGINT NOT NULL,
    next_offset      BIGINT NOT NULL,
    PRIMARY KEY (topic, partition_number)
);

-- +goose Down
DROP TABLE register_offsets;
DROP TABLE quarantine;
DROP TABLE stores;
