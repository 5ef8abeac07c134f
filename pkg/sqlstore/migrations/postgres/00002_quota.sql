-- +goose Up
-- The quota of an account: requests in each period, and the period's length in
-- milliseconds. Both NULL: there is no limit.
ALTER TABLE accounts ADD COLUMN quota_calls BIGINT;
ALTER TABLE accounts ADD COLUMN quota_period BIGINT;

-- +goose Down
ALTER TABLE accounts DROP COLUMN quota_period;
ALTER TABLE accounts DROP COLUMN quota_calls;
