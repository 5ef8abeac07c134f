-- +goose Up
-- What all webhooks of an account did together in an hour, a day or a period of its
-- quota that is over, of accounts with many: else who looks at it waits for the sum of
-- thousands of rows for each. A row that is there and not stale is the sum of its rows.
CREATE TABLE settled_series (
    account      TEXT NOT NULL,
    step         BIGINT NOT NULL,
    begins       BIGINT NOT NULL,
    -- One of those that are added up was changed since.
    stale        BOOLEAN NOT NULL DEFAULT FALSE,
    executed     BIGINT NOT NULL,
    delivered    BIGINT NOT NULL,
    deferred     BIGINT NOT NULL,
    dropped      BIGINT NOT NULL,
    latency      BIGINT NOT NULL,
    latency_0    BIGINT NOT NULL,
    latency_1    BIGINT NOT NULL,
    latency_2    BIGINT NOT NULL,
    latency_3    BIGINT NOT NULL,
    latency_4    BIGINT NOT NULL,
    latency_5    BIGINT NOT NULL,
    latency_6    BIGINT NOT NULL,
    latency_7    BIGINT NOT NULL,
    latency_8    BIGINT NOT NULL,
    latency_9    BIGINT NOT NULL,
    latency_10   BIGINT NOT NULL,
    latency_11   BIGINT NOT NULL,
    PRIMARY KEY (account, step, begins)
);
CREATE INDEX settled_series_stale ON settled_series (account, step, begins) WHERE stale;
CREATE INDEX settled_series_age ON settled_series (step, begins);

CREATE TABLE settled_usage (
    account     TEXT NOT NULL,
    period_from BIGINT NOT NULL,
    period_to   BIGINT NOT NULL,
    stale       BOOLEAN NOT NULL DEFAULT FALSE,
    quota_calls BIGINT,
    executed    BIGINT NOT NULL,
    deferred    BIGINT NOT NULL,
    dropped     BIGINT NOT NULL,
    PRIMARY KEY (account, period_from, period_to)
);
CREATE INDEX settled_usage_stale ON settled_usage (account, period_from) WHERE stale;
CREATE INDEX settled_usage_age_short ON settled_usage (period_from) WHERE period_to - period_from < 86400000000;
CREATE INDEX settled_usage_age_long ON settled_usage (period_from) WHERE period_to - period_from >= 86400000000;

-- A sum is stale once a row of it has changed.
-- +goose StatementBegin
CREATE TRIGGER usage_series_unsettle_insert AFTER INSERT ON usage_series BEGIN
    UPDATE settled_series SET stale = TRUE WHERE account = NEW.account AND step = NEW.step AND begins = NEW.begins AND NOT stale;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER usage_series_unsettle_update AFTER UPDATE ON usage_series BEGIN
    UPDATE settled_series SET stale = TRUE WHERE account = NEW.account AND step = NEW.step AND begins = NEW.begins AND NOT stale;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER usage_unsettle_insert AFTER INSERT ON usage BEGIN
    UPDATE settled_usage SET stale = TRUE WHERE account = NEW.account AND period_from = NEW.period_from AND NOT stale;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER usage_unsettle_update AFTER UPDATE ON usage BEGIN
    UPDATE settled_usage SET stale = TRUE WHERE account = NEW.account AND period_from = NEW.period_from AND NOT stale;
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER usage_unsettle_update;
DROP TRIGGER usage_unsettle_insert;
DROP TRIGGER usage_series_unsettle_update;
DROP TRIGGER usage_series_unsettle_insert;
DROP TABLE settled_usage;
DROP TABLE settled_series;
