-- +goose Up
-- The filters that the terms of a collection's items were written for.
CREATE TABLE {{prefix}}_indexed (
    collection TEXT NOT NULL PRIMARY KEY,
    filters    TEXT NOT NULL
);

-- +goose Down
DROP TABLE {{prefix}}_indexed;
