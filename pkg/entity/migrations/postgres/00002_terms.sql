-- +goose Up
-- What lists are filtered by: of each live item the values of its fields that have a
-- filter.
CREATE TABLE {{prefix}}_terms (
    account    TEXT   NOT NULL,
    collection TEXT   NOT NULL,
    field      TEXT   NOT NULL,
    -- A string as it is, a time in UTC and of one width, else JSON.
    value      TEXT COLLATE "C" NOT NULL,
    id         BIGINT NOT NULL,
    PRIMARY KEY (account, collection, field, value, id)
);

CREATE INDEX {{prefix}}_terms_item ON {{prefix}}_terms (account, collection, id, field);

-- +goose Down
DROP TABLE {{prefix}}_terms;
