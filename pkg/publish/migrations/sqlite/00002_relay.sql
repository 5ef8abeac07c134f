-- +goose Up

-- What a relay of an earlier term still does to the outbox has no effect.
ALTER TABLE {{prefix}}_relay ADD COLUMN term BIGINT NOT NULL DEFAULT 0;
-- As on PostgreSQL; a process tells its own relay past the database.
ALTER TABLE {{prefix}}_relay ADD COLUMN asleep BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE {{prefix}}_relay DROP COLUMN asleep;
ALTER TABLE {{prefix}}_relay DROP COLUMN term;
