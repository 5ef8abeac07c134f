-- +goose Up
-- What lists of webhooks are narrowed and ordered by, out of the settings. Made by the
-- database, so that what an older version writes during an upgrade has it too.
ALTER TABLE webhooks ADD COLUMN described TEXT GENERATED ALWAYS AS (lower(coalesce(settings ->> '$.description', ''))) VIRTUAL;
ALTER TABLE webhooks ADD COLUMN url TEXT GENERATED ALWAYS AS (lower(coalesce(settings ->> '$.url', ''))) VIRTUAL;
ALTER TABLE webhooks ADD COLUMN suspended_at BIGINT GENERATED ALWAYS AS (coalesce(settings ->> '$.suspendedAt', 0)) VIRTUAL;
ALTER TABLE webhooks ADD COLUMN revoked_at BIGINT GENERATED ALWAYS AS (coalesce(settings ->> '$.revokedAt', 0)) VIRTUAL;
-- Lists, each name behind a comma and in quotation marks; empty: there are none.
ALTER TABLE webhooks ADD COLUMN types TEXT GENERATED ALWAYS AS (coalesce(',' || substr(settings ->> '$.itemTypes', 2), '')) VIRTUAL;
ALTER TABLE webhooks ADD COLUMN events TEXT GENERATED ALWAYS AS (coalesce(',' || substr(settings ->> '$.eventTypes', 2), '')) VIRTUAL;
ALTER TABLE webhooks ADD COLUMN stores TEXT GENERATED ALWAYS AS (coalesce(',' || substr(settings ->> '$.stores', 2), '')) VIRTUAL;
-- What is searched: each text behind a character that none contains.
ALTER TABLE webhooks ADD COLUMN words TEXT GENERATED ALWAYS AS (
    id || char(31) || coalesce(settings ->> '$.url', '') || char(31) || coalesce(settings ->> '$.description', '') || char(31)
    || coalesce(replace(substr(settings ->> '$.itemTypes', 3, length(settings ->> '$.itemTypes') - 4), '","', char(31)), '')) VIRTUAL;
-- One for each order, with all that narrows: nothing else is read of what is not shown.
CREATE INDEX webhooks_list ON webhooks (account, created_at, id, status, described, url, suspended_at, revoked_at, types, events, stores, words);
CREATE INDEX webhooks_described ON webhooks (account, described, id, created_at, status, url, suspended_at, revoked_at, types, events, stores, words);
CREATE INDEX webhooks_url ON webhooks (account, url, id, created_at, status, described, suspended_at, revoked_at, types, events, stores, words);
CREATE INDEX webhooks_status ON webhooks (account, status, id, created_at, described, url, suspended_at, revoked_at, types, events, stores, words);
CREATE INDEX webhooks_suspended ON webhooks (account, suspended_at, id, created_at, status, described, url, revoked_at, types, events, stores, words);
CREATE INDEX webhooks_revoked ON webhooks (account, revoked_at, id, created_at, status, described, url, suspended_at, types, events, stores, words);
DROP INDEX webhooks_account;

-- +goose Down
CREATE INDEX webhooks_account ON webhooks (account, created_at, id);
DROP INDEX webhooks_list;
DROP INDEX webhooks_described;
DROP INDEX webhooks_url;
DROP INDEX webhooks_status;
DROP INDEX webhooks_suspended;
DROP INDEX webhooks_revoked;
ALTER TABLE webhooks DROP COLUMN words;
ALTER TABLE webhooks DROP COLUMN stores;
ALTER TABLE webhooks DROP COLUMN events;
ALTER TABLE webhooks DROP COLUMN types;
ALTER TABLE webhooks DROP COLUMN revoked_at;
ALTER TABLE webhooks DROP COLUMN suspended_at;
ALTER TABLE webhooks DROP COLUMN url;
ALTER TABLE webhooks DROP COLUMN described;
