-- +goose Up
CREATE TABLE {{prefix}}_outbox (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic       TEXT   NOT NULL,
    key         TEXT   NOT NULL,
    value       BYTEA  NOT NULL,
    traceparent TEXT   NOT NULL,
    tracestate  TEXT   NOT NULL,
    written_at  BIGINT NOT NULL,
    -- Why Kafka will never take it; such rows wait for a person.
    refused     TEXT
);

-- +goose Down
DROP TABLE {{prefix}}_outbox;
