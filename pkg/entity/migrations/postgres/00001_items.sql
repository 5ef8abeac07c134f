-- +goose Up
CREATE TABLE {{prefix}}_items (
    account    TEXT   NOT NULL,
    collection TEXT   NOT NULL,
    id         BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    -- The item's own fields, a JSON object; TEXT keeps numbers as they were
    -- written. Empty once deleted.
    data       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    -- Null while it lives. The row stays: its ref answers 410.
    deleted_at BIGINT,
    PRIMARY KEY (account, collection, id)
);

CREATE INDEX {{prefix}}_items_live ON {{prefix}}_items (account, collection, id) WHERE deleted_at IS NULL;

-- The last id given, per account and collection.
CREATE TABLE {{prefix}}_sequences (
    account    TEXT   NOT NULL,
    collection TEXT   NOT NULL,
    last       BIGINT NOT NULL,
    PRIMARY KEY (account, collection)
);

-- +goose Down
DROP TABLE {{prefix}}_sequences;
DROP TABLE {{prefix}}_items;
