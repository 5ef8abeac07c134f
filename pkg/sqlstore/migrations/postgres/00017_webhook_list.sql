-- +goose Up
-- The settings as JSON of which texts can be had: PostgreSQL's have no character zero, which
-- a filter may have, so another one stands for it. Backslashes are set aside meanwhile: one
-- that is meant may stand before u0000. A character 1 is nowhere, as JSON escapes it.
CREATE FUNCTION webhook_settings(settings TEXT) RETURNS JSON LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT replace(replace(replace($1, '\\', chr(1)), '\u0000', '\ufffd'), chr(1), '\\')::json $$;
-- What lists of webhooks are narrowed and ordered by, out of the settings. Made by the
-- database, so that what an older version writes during an upgrade has it too.
ALTER TABLE webhooks
    ALTER COLUMN status TYPE TEXT COLLATE "C", -- so that it orders as elsewhere
    ADD COLUMN described TEXT COLLATE "C" GENERATED ALWAYS AS (lower(coalesce(webhook_settings(settings) ->> 'description', '') COLLATE "C")) STORED,
    ADD COLUMN url TEXT COLLATE "C" GENERATED ALWAYS AS (lower(coalesce(webhook_settings(settings) ->> 'url', '') COLLATE "C")) STORED,
    ADD COLUMN suspended_at BIGINT GENERATED ALWAYS AS (coalesce((webhook_settings(settings) ->> 'suspendedAt')::BIGINT, 0)) STORED,
    ADD COLUMN revoked_at BIGINT GENERATED ALWAYS AS (coalesce((webhook_settings(settings) ->> 'revokedAt')::BIGINT, 0)) STORED,
    -- Lists, each name behind a comma and in quotation marks; empty: there are none.
    ADD COLUMN types TEXT COLLATE "C" GENERATED ALWAYS AS (coalesce(',' || substr(webhook_settings(settings) ->> 'itemTypes', 2), '')) STORED,
    ADD COLUMN events TEXT COLLATE "C" GENERATED ALWAYS AS (coalesce(',' || substr(webhook_settings(settings) ->> 'eventTypes', 2), '')) STORED,
    ADD COLUMN stores TEXT COLLATE "C" GENERATED ALWAYS AS (coalesce(',' || substr(webhook_settings(settings) ->> 'stores', 2), '')) STORED,
    -- What is searched, in small letters: each text behind a character that none contains.
    ADD COLUMN words TEXT COLLATE "C" GENERATED ALWAYS AS (lower((
        id || chr(31) || coalesce(webhook_settings(settings) ->> 'url', '') || chr(31) || coalesce(webhook_settings(settings) ->> 'description', '') || chr(31)
        || coalesce(replace(left(substr(webhook_settings(settings) ->> 'itemTypes', 3), -2), '","', chr(31)), '')) COLLATE "default")) STORED;
-- One for each order. A description has at most 2,000 bytes, a URL 2,048: less than the
-- 2,704 that a row of an index may have.
CREATE INDEX webhooks_described ON webhooks (account, described, id);
CREATE INDEX webhooks_url ON webhooks (account, url, id);
CREATE INDEX webhooks_status ON webhooks (account, status, id);
CREATE INDEX webhooks_suspended ON webhooks (account, suspended_at, id);
CREATE INDEX webhooks_revoked ON webhooks (account, revoked_at, id);

-- +goose Down
DROP INDEX webhooks_revoked;
DROP INDEX webhooks_suspended;
DROP INDEX webhooks_status;
DROP INDEX webhooks_url;
DROP INDEX webhooks_described;
ALTER TABLE webhooks
    DROP COLUMN words, DROP COLUMN stores, DROP COLUMN events, DROP COLUMN types, DROP COLUMN revoked_at, DROP COLUMN suspended_at,
    DROP COLUMN url, DROP COLUMN described, ALTER COLUMN status TYPE TEXT;
DROP FUNCTION webhook_settings(TEXT);
