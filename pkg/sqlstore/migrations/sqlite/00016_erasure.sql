-- +goose Up
-- Of a deleted account: when it was deleted, when nothing was left of it first, and when
-- it is looked again for what may have come since. 0: never.
ALTER TABLE accounts ADD COLUMN deleted_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN erased_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN erase_due BIGINT NOT NULL DEFAULT 0;
CREATE INDEX accounts_erase ON accounts (erase_due, id) WHERE erase_due > 0;
-- Those of versions that erased nothing.
UPDATE accounts SET deleted_at = unixepoch() * 1000000, erase_due = 1 WHERE deleted;

-- Whose the request was; empty: the operator's own, or of a version without this.
ALTER TABLE idempotency_keys ADD COLUMN account TEXT NOT NULL DEFAULT '';
CREATE INDEX idempotency_keys_account ON idempotency_keys (account) WHERE account <> '';

-- When the key was used last, to the minute; 0: never.
ALTER TABLE api_keys ADD COLUMN last_used_at BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE api_keys DROP COLUMN last_used_at;
DROP INDEX idempotency_keys_account;
ALTER TABLE idempotency_keys DROP COLUMN account;
DROP INDEX accounts_erase;
ALTER TABLE accounts DROP COLUMN erase_due;
ALTER TABLE accounts DROP COLUMN erased_at;
ALTER TABLE accounts DROP COLUMN deleted_at;
