-- +goose Up
-- The rest of an attempt: what it took, in microseconds, 0 if nothing, and the
-- header of its request (package sent). NULL if there is none.
ALTER TABLE deliveries ADD COLUMN dns BIGINT;
ALTER TABLE deliveries ADD COLUMN connect BIGINT;
ALTER TABLE deliveries ADD COLUMN tls BIGINT;
ALTER TABLE deliveries ADD COLUMN first_byte BIGINT;
ALTER TABLE deliveries ADD COLUMN request BLOB;
ALTER TABLE attempts ADD COLUMN dns BIGINT;
ALTER TABLE attempts ADD COLUMN connect BIGINT;
ALTER TABLE attempts ADD COLUMN tls BIGINT;
ALTER TABLE attempts ADD COLUMN first_byte BIGINT;
ALTER TABLE attempts ADD COLUMN request BLOB;
-- That of its delivery; 0 for those that were there before.
ALTER TABLE attempts ADD COLUMN published BIGINT NOT NULL DEFAULT 0;

-- The deliveries of which published is not the time that their records say.
CREATE TABLE log_strays (
    id_key    BIGINT NOT NULL,
    published BIGINT NOT NULL
);
CREATE INDEX log_strays_id ON log_strays (id_key);

-- Takes the place of deliveries_held_webhook, and finds a webhook's failures among
-- those of others.
CREATE INDEX deliveries_undelivered_webhook ON deliveries (webhook, status, published, id_key) WHERE status <> 'delivered';
DROP INDEX deliveries_held_webhook;

-- What was published later than tomorrow has a wrong clock. It belongs to this day.
INSERT INTO log_strays (id_key, published)
SELECT id_key, unixepoch() * 1000000 FROM deliveries WHERE published >= (unixepoch() + 86400) * 1000000;
UPDATE delivery_items SET published = unixepoch() * 1000000 WHERE published >= (unixepoch() + 86400) * 1000000;
UPDATE deliveries SET published = unixepoch() * 1000000 WHERE published >= (unixepoch() + 86400) * 1000000;
