-- +goose Up
-- What all webhooks of an account did together in an hour, a day or a period of its
-- quota that is over, of accounts with many: else who looks at it waits for the sum of
-- thousands of rows for each. A row that is there and not stale is the sum of its rows.
CREATE TABLE settled_series (
    account      TEXT COLLATE "C" NOT NULL,
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
    account     TEXT COLLATE "C" NOT NULL,
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

-- A sum is stale once a row of it has changed, whoever changed it: recorders of an older
-- version go on for a while during an upgrade. Sums are made an hour after the end, under
-- the lock whose shared form is taken here by all that comes half an hour after it: so
-- none misses what is not committed yet, and what comes in time waits for nobody, and
-- looks for no sums. Those are marked one by one, in one order, as each row is locked, and
-- by key, however little the planner knows of the table.
-- +goose StatementBegin
CREATE FUNCTION unsettle_series() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
    micros CONSTANT BIGINT := extract(epoch FROM now()) * 1000000;
    c      RECORD;
BEGIN
    IF EXISTS (SELECT FROM changed WHERE begins + step < micros - 1800000000) THEN
        PERFORM pg_advisory_xact_lock_shared(8317045920371);
    END IF;
    FOR c IN SELECT DISTINCT account, step, begins FROM changed WHERE begins + step <= micros ORDER BY account, step, begins LOOP
        UPDATE settled_series t SET stale = TRUE WHERE t.account = c.account AND t.step = c.step AND t.begins = c.begins AND NOT t.stale;
    END LOOP;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- A row that is new may be of another quota than the sums of what begins with it.
-- +goose StatementBegin
CREATE FUNCTION unsettle_usage() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
    micros CONSTANT BIGINT := extract(epoch FROM now()) * 1000000;
    c      RECORD;
BEGIN
    IF EXISTS (SELECT FROM changed WHERE period_to < micros - 1800000000) THEN
        PERFORM pg_advisory_xact_lock_shared(8317045920371);
    END IF;
    FOR c IN SELECT DISTINCT account, period_from FROM changed WHERE period_to <= micros OR TG_OP = 'INSERT' ORDER BY account, period_from LOOP
        UPDATE settled_usage t SET stale = TRUE WHERE t.account = c.account AND t.period_from = c.period_from AND NOT t.stale;
    END LOOP;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER unsettle_inserted AFTER INSERT ON usage_series REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION unsettle_series();
CREATE TRIGGER unsettle_updated AFTER UPDATE ON usage_series REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION unsettle_series();
CREATE TRIGGER unsettle_inserted AFTER INSERT ON usage REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION unsettle_usage();
CREATE TRIGGER unsettle_updated AFTER UPDATE ON usage REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION unsettle_usage();

-- +goose Down
DROP TRIGGER unsettle_updated ON usage;
DROP TRIGGER unsettle_inserted ON usage;
DROP TRIGGER unsettle_updated ON usage_series;
DROP TRIGGER unsettle_inserted ON usage_series;
DROP FUNCTION unsettle_usage();
DROP FUNCTION unsettle_series();
DROP TABLE settled_usage;
DROP TABLE settled_series;
