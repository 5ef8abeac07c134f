-- +goose Up
-- The last number given in each series of documents.
CREATE TABLE {{prefix}}_series (
    account    TEXT   NOT NULL,
    collection TEXT   NOT NULL,
    -- Empty: of documents without a store.
    store      TEXT   NOT NULL,
    year       TEXT   NOT NULL,
    last       BIGINT NOT NULL,
    PRIMARY KEY (account, collection, store, year)
);

-- +goose Down
DROP TABLE {{prefix}}_series;
