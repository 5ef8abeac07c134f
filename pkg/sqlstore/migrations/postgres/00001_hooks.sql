-- +goose Up
-- Ids compare byte by byte (COLLATE "C"), so that pages come in the same order
-- on every server. Times are Unix microseconds, 0 for none; lists are JSON.

CREATE TABLE accounts (
    id         TEXT COLLATE "C" PRIMARY KEY,
    name       TEXT    NOT NULL,
    -- Rises with every change of the account or of a webhook of it.
    version    BIGINT  NOT NULL,
    -- The version that the cache has confirmed; lower: queued for publication.
    published  BIGINT  NOT NULL,
    deleted    BOOLEAN NOT NULL,
    created_at BIGINT  NOT NULL
);
CREATE INDEX accounts_unpublished ON accounts (id) WHERE published < version;

CREATE TABLE api_keys (
    id         TEXT COLLATE "C" PRIMARY KEY,
    account    TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    name       TEXT   NOT NULL,
    scopes     TEXT   NOT NULL,
    hash       BYTEA  NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX api_keys_account ON api_keys (account, created_at, id);

CREATE TABLE webhooks (
    id         TEXT COLLATE "C" PRIMARY KEY,
    account    TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    version    BIGINT NOT NULL,
    status     TEXT   NOT NULL,
    -- All else about the webhook, as JSON.
    settings   TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    -- Since when it is resuming; 0 while it is not.
    resuming   BIGINT NOT NULL
);
CREATE INDEX webhooks_account ON webhooks (account, created_at, id);
CREATE INDEX webhooks_resuming ON webhooks (resuming) WHERE status = 'resuming';

-- One row for each delivery: its last known state.
CREATE TABLE deliveries (
    id               TEXT COLLATE "C" PRIMARY KEY,
    account          TEXT COLLATE "C" NOT NULL,
    webhook          TEXT COLLATE "C" NOT NULL,
    event            TEXT COLLATE "C" NOT NULL,
    event_type       TEXT    NOT NULL,
    item_type        TEXT    NOT NULL,
    items            TEXT    NOT NULL,
    store            TEXT    NOT NULL,
    status           TEXT    NOT NULL,
    reason           TEXT    NOT NULL,
    run              BIGINT  NOT NULL,
    step             BIGINT  NOT NULL,
    attempts         BIGINT  NOT NULL,
    status_code      BIGINT  NOT NULL,
    bundle_topic     TEXT    NOT NULL,
    bundle_partition BIGINT  NOT NULL,
    bundle_offset    BIGINT  NOT NULL,
    source_topic     TEXT    NOT NULL,
    source_partition BIGINT  NOT NULL,
    source_offset    BIGINT  NOT NULL,
    published        BIGINT  NOT NULL,
    updated_at       BIGINT  NOT NULL,
    due              BIGINT  NOT NULL,
    trace_id         TEXT    NOT NULL
);
CREATE INDEX deliveries_account ON deliveries (account, published, id);
CREATE INDEX deliveries_webhook ON deliveries (account, webhook, published, id);
CREATE INDEX deliveries_event ON deliveries (account, event, published, id);
-- What people look for; the many that were delivered are found by the others.
CREATE INDEX deliveries_undelivered ON deliveries (account, status, published, id) WHERE status <> 'delivered';
-- What waits for its webhook: by partition for the release, by webhook to know
-- whether anything is left.
CREATE INDEX deliveries_held ON deliveries (bundle_partition, webhook, published, id) WHERE status = 'held';
CREATE INDEX deliveries_held_webhook ON deliveries (webhook) WHERE status = 'held';

-- Which deliveries an item is in.
CREATE TABLE delivery_items (
    account   TEXT COLLATE "C" NOT NULL,
    item      TEXT COLLATE "C" NOT NULL,
    published BIGINT NOT NULL,
    delivery  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, item, published, delivery)
);

-- Every attempt, and every fate without one.
CREATE TABLE attempts (
    delivery         TEXT COLLATE "C" NOT NULL,
    run              BIGINT NOT NULL,
    -- Number of the request; 0 for a fate without one.
    number           BIGINT NOT NULL,
    -- Empty for a request; "step/fate" for a fate without one: what makes it
    -- unique among those of its run.
    place            TEXT COLLATE "C" NOT NULL,
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
    response         BYTEA  NOT NULL,
    due              BIGINT NOT NULL,
    trace_id         TEXT   NOT NULL,
    PRIMARY KEY (delivery, run, number, place)
);

-- Where to go on reading the topic attempts; moves with what was recorded, in
-- the same transaction.
CREATE TABLE attempt_offsets (
    partition_number BIGINT PRIMARY KEY,
    next_offset      BIGINT NOT NULL
);

-- +goose Down
DROP TABLE attempt_offsets;
DROP TABLE attempts;
DROP TABLE delivery_items;
DROP TABLE deliveries;
DROP TABLE webhooks;
DROP TABLE api_keys;
DROP TABLE accounts;
