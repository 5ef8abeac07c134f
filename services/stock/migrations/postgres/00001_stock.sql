-- +goose Up
-- How much of a product a store has: what its movements come to.
CREATE TABLE {{prefix}}_levels (
    account   TEXT   NOT NULL,
    equipment BIGINT NOT NULL,
    -- Empty: movements that name no store.
    store     TEXT   COLLATE "C" NOT NULL,
    -- An exact decimal, such as -2.5.
    quantity  TEXT   NOT NULL,
    PRIMARY KEY (account, equipment, store)
);

CREATE INDEX {{prefix}}_levels_store ON {{prefix}}_levels (account, store, equipment);

-- Which item has a serial number of a product, for it is there once.
CREATE TABLE {{prefix}}_serials (
    account   TEXT   NOT NULL,
    equipment BIGINT NOT NULL,
    serial    TEXT   NOT NULL,
    item      BIGINT NOT NULL,
    PRIMARY KEY (account, equipment, serial)
);

CREATE TABLE {{prefix}}_settings (
    account        TEXT    PRIMARY KEY,
    allow_negative BOOLEAN NOT NULL
);

-- Those that there are already: the first one has the number.
INSERT INTO {{prefix}}_serials (account, equipment, serial, item)
SELECT account, (data::jsonb ->> 'equipment')::BIGINT, data::jsonb ->> 'serial', MIN(id)
FROM {{prefix}}_items
WHERE collection = 'serial-numbers' AND deleted_at IS NULL
    AND data::jsonb ->> 'equipment' IS NOT NULL AND data::jsonb ->> 'serial' IS NOT NULL
GROUP BY 1, 2, 3;

-- +goose Down
DROP TABLE {{prefix}}_settings;
DROP TABLE {{prefix}}_serials;
DROP TABLE {{prefix}}_levels;
