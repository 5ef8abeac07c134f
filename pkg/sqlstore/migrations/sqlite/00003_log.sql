-- +goose Up
-- There is no way back: what the log has since then does not fit the old tables.
--
-- A delivery that was done at once, as nearly all are, is one row: the row holds
-- its one attempt too, until there is a second. Deliveries of one item need no
-- row elsewhere to be found by it.
--
-- Columns named …_key are database.Key of a text, for indexes: of the id, of
-- "account/event" and of "account/item". Lists are ordered by time and id_key.

ALTER TABLE deliveries RENAME TO old_deliveries;
ALTER TABLE attempts RENAME TO old_attempts;
ALTER TABLE delivery_items RENAME TO old_items;
DROP INDEX deliveries_account;
DROP INDEX deliveries_webhook;
DROP INDEX deliveries_event;
DROP INDEX deliveries_undelivered;
DROP INDEX deliveries_held;
DROP INDEX deliveries_held_webhook;
CREATE TABLE deliveries (
    id_key           BIGINT NOT NULL,
    id               TEXT NOT NULL,
    account          TEXT NOT NULL,
    webhook          TEXT NOT NULL,
    event_key        BIGINT NOT NULL,
    event            TEXT NOT NULL,
    event_type       TEXT   NOT NULL,
    item_type        TEXT   NOT NULL,
    -- The one item, its key beside it; or else NULL, and items is a JSON list.
    item_key         BIGINT,
    item             TEXT,
    items            TEXT,
    store            TEXT   NOT NULL,
    status           TEXT   NOT NULL,
    reason           TEXT   NOT NULL,
    run              BIGINT NOT NULL,
    step             BIGINT NOT NULL,
    attempts         BIGINT NOT NULL,
    status_code      BIGINT NOT NULL,
    bundle_topic     TEXT   NOT NULL,
    bundle_partition BIGINT NOT NULL,
    bundle_offset    BIGINT NOT NULL,
    source_topic     TEXT   NOT NULL,
    source_partition BIGINT NOT NULL,
    source_offset    BIGINT NOT NULL,
    published        BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    due              BIGINT NOT NULL,
    trace_id         TEXT   NOT NULL,
    -- The rest of the one attempt that the row tells of; duration is NULL once
    -- its attempts are rows of their own. The others are NULL if empty.
    duration         BIGINT,
    url              TEXT,
    detail           TEXT,
    response         BLOB,
    response_headers TEXT
);
INSERT INTO deliveries (id_key, id, account, webhook, event_key, event, event_type, item_type, items, store, status,
    reason, run, step, attempts, status_code, bundle_topic, bundle_partition, bundle_offset, source_topic,
    source_partition, source_offset, published, updated_at, due, trace_id)
SELECT key64(id), id, account, webhook, key64(account || '/' || event), event, event_type, item_type, items, store, status,
    reason, run, step, attempts, status_code, bundle_topic, bundle_partition, bundle_offset, source_topic,
    source_partition, source_offset, published, updated_at, due, trace_id
FROM old_deliveries;
-- Not unique, which costs a second descent for each row: who writes looks first
-- whether the row is there, and SQLite has one writer at a time.
CREATE INDEX deliveries_id ON deliveries (id_key);
CREATE INDEX deliveries_account ON deliveries (account, published, id_key);
CREATE INDEX deliveries_webhook ON deliveries (webhook, published, id_key);
CREATE INDEX deliveries_event ON deliveries (event_key);
CREATE INDEX deliveries_item ON deliveries (item_key, published, id_key) WHERE item_key IS NOT NULL;
-- What people look for; the many that were delivered are found by the others.
CREATE INDEX deliveries_undelivered ON deliveries (account, status, published, id_key) WHERE status <> 'delivered';
-- What waits for its webhook: by partition for the release, by webhook to know
-- whether anything is left.
CREATE INDEX deliveries_held ON deliveries (bundle_partition, webhook, published, id_key) WHERE status = 'held';
CREATE INDEX deliveries_held_webhook ON deliveries (webhook) WHERE status = 'held';

-- Which deliveries an item is in, for deliveries of several.
CREATE TABLE delivery_items (
    item_key  BIGINT NOT NULL,
    published BIGINT NOT NULL,
    id_key    BIGINT NOT NULL,
    PRIMARY KEY (item_key, published, id_key)
) WITHOUT ROWID;
INSERT INTO delivery_items (item_key, published, id_key)
SELECT DISTINCT key64(account || '/' || item), published, key64(delivery) FROM old_items;

-- Every attempt, and every fate without one, of deliveries with more than one.
CREATE TABLE attempts (
    id_key           BIGINT NOT NULL,
    delivery         TEXT NOT NULL,
    run              BIGINT NOT NULL,
    -- Number of the request; 0 for a fate without one.
    number           BIGINT NOT NULL,
    -- Empty for a request; "step/fate" for a fate without one: what makes it
    -- unique among those of its run.
    place            TEXT NOT NULL,
    step             BIGINT NOT NULL,
    fate             TEXT   NOT NULL,
    reason           TEXT   NOT NULL,
    detail           TEXT   NOT NULL,
    bundle_partition BIGINT NOT NULL,
    bundle_offset    BIGINT NOT NULL,
    at               BIGINT NOT NULL,
    duration         BIGINT NOT NULL,
    url              TEXT   NOT NULL,
    status_code      BIGINT NOT NULL,
    response         BLOB,
    -- A list of {"name", "value"} as JSON.
    response_headers TEXT,
    due              BIGINT NOT NULL,
    trace_id         TEXT   NOT NULL
);
INSERT INTO attempts (id_key, delivery, run, number, place, step, fate, reason, detail, bundle_partition, bundle_offset,
    at, duration, url, status_code, response, due, trace_id)
SELECT key64(delivery), delivery, run, number, place, step, fate, reason, detail, bundle_partition, bundle_offset,
    at, duration, url, status_code, response, due, trace_id
FROM old_attempts;
CREATE INDEX attempts_id ON attempts (id_key);
DROP TABLE old_items;
DROP TABLE old_attempts;
DROP TABLE old_deliveries;

-- What each webhook was charged in each period of its account's quota; in a day
-- of UTC without one. Filled with the log, in the same transaction.
CREATE TABLE usage (
    account     TEXT NOT NULL,
    webhook     TEXT NOT NULL,
    period_from BIGINT NOT NULL,
    period_to   BIGINT NOT NULL,
    -- The account's quota when the row was last written; NULL: no limit.
    quota_calls BIGINT,
    executed    BIGINT NOT NULL,
    deferred    BIGINT NOT NULL,
    dropped     BIGINT NOT NULL
);
CREATE UNIQUE INDEX usage_newest ON usage (account, period_from DESC, webhook, period_to);
-- Few: the periods in which a quota kept something back.
CREATE INDEX usage_exceeded ON usage (account, period_from DESC, webhook, period_to) WHERE deferred + dropped > 0;
