-- +goose Up
-- The person behind a member, as an OpenID provider knows them since they first signed
-- in; empty until then.
ALTER TABLE members ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
ALTER TABLE members ADD COLUMN subject TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX members_identity ON members (issuer, subject, account) WHERE subject <> '';
CREATE INDEX members_email_key ON members (email_key);

-- Who is in the portal. Times are Unix microseconds.
CREATE TABLE portal_sessions (
    -- SHA-256 of the cookie.
    hash     BLOB PRIMARY KEY,
    account  TEXT NOT NULL,
    -- Of a member's; else empty.
    issuer   TEXT NOT NULL,
    subject  TEXT NOT NULL,
    email_key TEXT NOT NULL,
    -- Of a portal link's; else empty.
    link     TEXT   NOT NULL,
    role     TEXT   NOT NULL,
    language TEXT   NOT NULL,
    created  BIGINT NOT NULL,
    seen     BIGINT NOT NULL,
    expires  BIGINT NOT NULL
);
CREATE INDEX portal_sessions_expires ON portal_sessions (expires);

-- What may be used once, and was: its SHA-256.
CREATE TABLE portal_used (
    hash    BLOB PRIMARY KEY,
    expires BIGINT NOT NULL
);
CREATE INDEX portal_used_expires ON portal_used (expires);

-- +goose Down
DROP TABLE portal_used;
DROP TABLE portal_sessions;
DROP INDEX members_email_key;
DROP INDEX members_identity;
ALTER TABLE members DROP COLUMN subject;
ALTER TABLE members DROP COLUMN issuer;
