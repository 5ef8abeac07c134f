-- +goose Up
-- What each webhook did in each hour and in each day of UTC in which it did
-- something. Filled with the log, in the same transaction. Times are microseconds.
-- Rows of now are updated all the time: each page has room for their next versions.
CREATE TABLE usage_series (
    account      TEXT COLLATE "C" NOT NULL,
    webhook      TEXT COLLATE "C" NOT NULL,
    -- An hour or a day, and its start.
    step         BIGINT NOT NULL,
    begins       BIGINT NOT NULL,
    executed     BIGINT NOT NULL DEFAULT 0,
    delivered    BIGINT NOT NULL DEFAULT 0,
    deferred     BIGINT NOT NULL DEFAULT 0,
    dropped      BIGINT NOT NULL DEFAULT 0,
    -- Of the requests that were answered: how long all took together, and how many
    -- took up to 5, 10, 25, 50, 100, 250, 500 ms, 1, 2.5, 5, 10 s, and longer.
    latency      BIGINT NOT NULL DEFAULT 0,
    latency_0    BIGINT NOT NULL DEFAULT 0,
    latency_1    BIGINT NOT NULL DEFAULT 0,
    latency_2    BIGINT NOT NULL DEFAULT 0,
    latency_3    BIGINT NOT NULL DEFAULT 0,
    latency_4    BIGINT NOT NULL DEFAULT 0,
    latency_5    BIGINT NOT NULL DEFAULT 0,
    latency_6    BIGINT NOT NULL DEFAULT 0,
    latency_7    BIGINT NOT NULL DEFAULT 0,
    latency_8    BIGINT NOT NULL DEFAULT 0,
    latency_9    BIGINT NOT NULL DEFAULT 0,
    latency_10   BIGINT NOT NULL DEFAULT 0,
    latency_11   BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (account, step, begins, webhook)
) WITH (fillfactor = 80);
-- For what expires.
CREATE INDEX usage_series_age ON usage_series (step, begins);
CREATE INDEX usage_age_short ON usage (period_from) WHERE period_to - period_from < 86400000000;
CREATE INDEX usage_age_long ON usage (period_from) WHERE period_to - period_from >= 86400000000;

-- +goose Down
DROP INDEX usage_age_long;
DROP INDEX usage_age_short;
DROP TABLE usage_series;
