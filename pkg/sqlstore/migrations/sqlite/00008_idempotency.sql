-- +goose Up
-- What requests with an Idempotency-Key were answered. Times are Unix microseconds.
CREATE TABLE idempotency_keys (
    -- SHA-256 of who chose the key.
    owner         BLOB NOT NULL,
    key           TEXT NOT NULL,
    -- SHA-256 of the request.
    request       BLOB NOT NULL,
    -- Sealed; NULL while the request is under way.
    answer        BLOB,
    -- When it was claimed first, and until when it is now; 0: it is not.
    claimed       BIGINT NOT NULL,
    claimed_until BIGINT NOT NULL,
    expires       BIGINT NOT NULL,
    PRIMARY KEY (owner, key)
);
CREATE INDEX idempotency_keys_expires ON idempotency_keys (expires);

-- +goose Down
DROP TABLE idempotency_keys;
