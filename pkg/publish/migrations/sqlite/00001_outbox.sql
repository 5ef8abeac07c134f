-- +goose Up
CREATE TABLE {{prefix}}_outbox (
    -- AUTOINCREMENT: the id of a deleted row is never given again.
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    topic       TEXT   NOT NULL,
    key         TEXT   NOT NULL,
    value       BLOB   NOT NULL,
    traceparent TEXT   NOT NULL,
    tracestate  TEXT   NOT NULL,
    written_at  BIGINT NOT NULL,
    -- Why Kafka will never take it; such rows wait for a person.
    refused     TEXT
);

-- Who relays; SQLite knows no advisory locks.
CREATE TABLE {{prefix}}_relay (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    holder     TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);

-- +goose Down
DROP TABLE {{prefix}}_relay;
DROP TABLE {{prefix}}_outbox;
