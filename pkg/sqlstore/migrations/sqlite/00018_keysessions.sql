-- +goose Up
-- The id of the API key that a session was opened with; else empty.
ALTER TABLE portal_sessions ADD COLUMN api_key TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE portal_sessions DROP COLUMN api_key;
