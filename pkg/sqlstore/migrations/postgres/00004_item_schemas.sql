-- +goose Up
-- What the data of an account's items of a type has to be like: JSON Schema.
CREATE TABLE item_schemas (
    account   TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    item_type TEXT COLLATE "C" NOT NULL,
    schema    TEXT NOT NULL,
    PRIMARY KEY (account, item_type)
);

-- +goose Down
DROP TABLE item_schemas;
