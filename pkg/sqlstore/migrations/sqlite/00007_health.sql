-- +goose Up
-- What follows from failures in a row, as JSON; NULL: the installation's rule.
ALTER TABLE accounts ADD COLUMN streak TEXT;

-- Failures in a row, of webhooks that fail: one that works has no row. Written by
-- who records the webhook's partition of attempts, with the offset.
CREATE TABLE streaks (
    webhook    TEXT PRIMARY KEY,
    account    TEXT NOT NULL,
    failures   BIGINT NOT NULL,
    -- Start of the first of them; 0: there are none.
    since      BIGINT NOT NULL,
    -- The highest count that members were told of.
    notified   BIGINT NOT NULL,
    -- 1: members know that it fails, and not that it works again.
    told       BIGINT NOT NULL,
    -- The webhook's enabledAt for which this was counted.
    enabled_at BIGINT NOT NULL,
    -- What failed together, as JSON.
    volleys    TEXT   NOT NULL
);

CREATE TABLE notifications (
    -- Rises in the order of commits: who has seen one has seen all before it.
    number     BIGINT PRIMARY KEY,
    id         TEXT NOT NULL,
    account    TEXT NOT NULL,
    kind       TEXT   NOT NULL,
    -- Empty: it is about the account.
    webhook    TEXT NOT NULL,
    amount     BIGINT NOT NULL,
    detail     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    -- What is told once only; NULL: it does not matter.
    once       TEXT UNIQUE
);
CREATE INDEX notifications_account ON notifications (account, number);

-- One row: the highest number of a notification. Whoever writes some holds it until
-- the end of the transaction.
CREATE TABLE notification_numbers (last BIGINT NOT NULL);
INSERT INTO notification_numbers (last) VALUES (0);

-- +goose Down
DROP TABLE notification_numbers;
DROP TABLE notifications;
DROP TABLE streaks;
ALTER TABLE accounts DROP COLUMN streak;
