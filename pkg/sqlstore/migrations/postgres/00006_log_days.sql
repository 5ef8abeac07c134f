-- +goose NO TRANSACTION
-- +goose Up
-- The log by days, in UTC, of the time by which it is ordered (published): what is
-- older than it is to be kept goes as whole tables, and an index is that of a day.
-- There is no way back.
--
-- What the log has is kept as it is, as one partition that ends with the day. Each
-- step can be done again, should this be broken off. The one that takes long reads
-- the tables once, and others read and write them meanwhile; the last, for which
-- nobody else may, takes a moment.

-- The partitions of deliveries, delivery_items and attempts, which have the same
-- bounds: from a day to another time, Unix microseconds. The one of what was there
-- before there were days begins with the lowest number.
CREATE TABLE IF NOT EXISTS log_days (
    day      BIGINT PRIMARY KEY,
    until    BIGINT  NOT NULL,
    -- The tables are named <table>_<suffix>.
    suffix   TEXT    NOT NULL,
    -- Nearly all that will come has come: it has the indexes for rare searches.
    complete BOOLEAN NOT NULL
);

-- The deliveries of which published is not the time that their records say.
CREATE TABLE IF NOT EXISTS log_strays (
    id_key    BIGINT NOT NULL,
    published BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS log_strays_id ON log_strays (id_key);

-- make_log_day makes the partitions of a day. Nobody has to wait for it: a table is
-- made first and attached then.
--
-- The unique index is the table's own: one of the partitioned table would have to
-- hold the time too, and so be unique in nothing.
--
-- Item type and store are in two indexes for a day that has no other for them yet: what
-- is rare in it is then looked for in the index alone.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION make_log_day(from_day BIGINT) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
    to_day CONSTANT BIGINT := from_day + 86400000000;
    name   CONSTANT TEXT := to_char(to_timestamp(from_day / 1000000) AT TIME ZONE 'UTC', 'YYYYMMDD');
    parent TEXT;
BEGIN
    FOREACH parent IN ARRAY ARRAY['deliveries', 'delivery_items', 'attempts'] LOOP
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS)', parent || '_' || name, parent);
    END LOOP;
    EXECUTE replace(replace($sql$
        CREATE UNIQUE INDEX deliveries_DAY_id ON deliveries_DAY (id_key, id);
        CREATE INDEX deliveries_DAY_account ON deliveries_DAY (account, published, id_key, item_type, store);
        CREATE INDEX deliveries_DAY_webhook ON deliveries_DAY (webhook, published, id_key, item_type, store);
        CREATE INDEX deliveries_DAY_event ON deliveries_DAY (event_key);
        CREATE INDEX deliveries_DAY_item ON deliveries_DAY (item_key, published, id_key) WHERE item_key IS NOT NULL;
        CREATE INDEX deliveries_DAY_undelivered ON deliveries_DAY (account, status, published, id_key) WHERE status <> 'delivered';
        CREATE INDEX deliveries_DAY_undelivered_webhook ON deliveries_DAY (webhook, status, published, id_key) WHERE status <> 'delivered';
        CREATE INDEX deliveries_DAY_held ON deliveries_DAY (bundle_partition, webhook, published, id_key) WHERE status = 'held';
        CREATE UNIQUE INDEX delivery_items_DAY_item ON delivery_items_DAY (item_key, published, id_key);
        CREATE UNIQUE INDEX attempts_DAY_id ON attempts_DAY (id_key, delivery, run, number, place);
        ALTER TABLE deliveries ATTACH PARTITION deliveries_DAY FOR VALUES FROM BOUNDS;
        ALTER TABLE delivery_items ATTACH PARTITION delivery_items_DAY FOR VALUES FROM BOUNDS;
        ALTER TABLE attempts ATTACH PARTITION attempts_DAY FOR VALUES FROM BOUNDS;
        $sql$, 'DAY', name), 'BOUNDS', format('(%s) TO (%s)', from_day, to_day));
    INSERT INTO log_days (day, until, suffix, complete) VALUES (from_day, to_day, name, FALSE);
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
DO $$
DECLARE
    micros CONSTANT BIGINT := extract(epoch FROM now()) * 1000000;
    day    CONSTANT BIGINT := 86400000000;
    bound  BIGINT;
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = 'deliveries'::regclass) = 'p' THEN
        RETURN;
    END IF;
    -- The rest of an attempt: what it took, in microseconds, 0 if nothing, and the
    -- header of its request (package sent). NULL if there is none.
    ALTER TABLE deliveries ADD COLUMN IF NOT EXISTS dns BIGINT, ADD COLUMN IF NOT EXISTS connect BIGINT,
        ADD COLUMN IF NOT EXISTS tls BIGINT, ADD COLUMN IF NOT EXISTS first_byte BIGINT, ADD COLUMN IF NOT EXISTS request BYTEA;
    ALTER TABLE attempts ADD COLUMN IF NOT EXISTS dns BIGINT, ADD COLUMN IF NOT EXISTS connect BIGINT,
        ADD COLUMN IF NOT EXISTS tls BIGINT, ADD COLUMN IF NOT EXISTS first_byte BIGINT, ADD COLUMN IF NOT EXISTS request BYTEA,
        -- That of its delivery; 0 for those that were there before.
        ADD COLUMN IF NOT EXISTS published BIGINT NOT NULL DEFAULT 0;
    INSERT INTO log_days (day, until, suffix, complete)
        VALUES (-9223372036854775808, ((micros + day / 24) / day + 1) * day, 'old', FALSE) ON CONFLICT DO NOTHING;
    SELECT until INTO bound FROM log_days WHERE suffix = 'old';
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'deliveries'::regclass AND conname = 'deliveries_until') THEN
        EXECUTE format('ALTER TABLE deliveries ADD CONSTRAINT deliveries_until CHECK (published < %s) NOT VALID', bound);
        EXECUTE format('ALTER TABLE delivery_items ADD CONSTRAINT delivery_items_until CHECK (published < %s) NOT VALID', bound);
        EXECUTE format('ALTER TABLE attempts ADD CONSTRAINT attempts_until CHECK (published < %s) NOT VALID', bound);
    END IF;
END
$$;
-- +goose StatementEnd

-- What was published later than now has a wrong clock. It belongs to this day.
-- +goose StatementBegin
DO $$
DECLARE
    micros CONSTANT BIGINT := extract(epoch FROM now()) * 1000000;
    bound  CONSTANT BIGINT := (SELECT until FROM log_days WHERE suffix = 'old');
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = 'deliveries'::regclass) = 'p' THEN
        RETURN;
    END IF;
    INSERT INTO log_strays (id_key, published) SELECT id_key, micros FROM deliveries WHERE published >= bound;
    UPDATE delivery_items SET published = micros WHERE published >= bound;
    UPDATE deliveries SET published = micros WHERE published >= bound;
    ALTER TABLE deliveries VALIDATE CONSTRAINT deliveries_until;
    ALTER TABLE delivery_items VALIDATE CONSTRAINT delivery_items_until;
    ALTER TABLE attempts VALIDATE CONSTRAINT attempts_until;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
DO $$
DECLARE
    bound  CONSTANT BIGINT := (SELECT until FROM log_days WHERE suffix = 'old');
    empty  BOOLEAN;
    name   TEXT;
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = 'deliveries'::regclass) = 'p' THEN
        RETURN;
    END IF;
    LOCK TABLE deliveries, delivery_items, attempts IN ACCESS EXCLUSIVE MODE;
    empty := NOT EXISTS (SELECT FROM deliveries) AND NOT EXISTS (SELECT FROM attempts);
    FOREACH name IN ARRAY ARRAY['deliveries', 'delivery_items', 'attempts'] LOOP
        EXECUTE format('ALTER TABLE %I RENAME TO %I', name, name || '_old');
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS) PARTITION BY RANGE (published)', name, name || '_old');
        IF empty THEN
            EXECUTE format('DROP TABLE %I', name || '_old');
        ELSE
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%s)', name, name || '_old', bound);
            EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', name || '_old', name || '_until');
        END IF;
    END LOOP;
    ALTER TABLE attempts ALTER COLUMN published DROP DEFAULT;
    IF empty THEN
        DELETE FROM log_days;
    END IF;
END
$$;
-- +goose StatementEnd
