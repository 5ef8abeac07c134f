-- +goose Up
-- Who changed what. Entries of an account are numbered from 1 without gaps; who
-- writes one has locked the account.
CREATE TABLE audit (
    account    TEXT COLLATE "C" NOT NULL,
    number     BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    actor      TEXT   NOT NULL,
    -- Of the key or the portal link; else empty.
    actor_id   TEXT COLLATE "C" NOT NULL,
    actor_name TEXT   NOT NULL,
    ip         TEXT   NOT NULL,
    user_agent TEXT   NOT NULL,
    operation  TEXT   NOT NULL,
    target     TEXT COLLATE "C" NOT NULL,
    reason     TEXT   NOT NULL,
    -- A list as JSON, without secrets.
    changes    TEXT   NOT NULL,
    PRIMARY KEY (account, number)
);
CREATE INDEX audit_target ON audit (account, target, number);

CREATE TABLE members (
    id         TEXT COLLATE "C" PRIMARY KEY,
    account    TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    email      TEXT   NOT NULL,
    -- The address in small letters.
    email_key  TEXT COLLATE "C" NOT NULL,
    name       TEXT   NOT NULL,
    role       TEXT   NOT NULL,
    language   TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX members_email ON members (account, email_key);
CREATE INDEX members_account ON members (account, created_at, id);

-- The account's version that its sender has to have seen before a webhook that is
-- resuming goes on; 0: none.
ALTER TABLE webhooks ADD COLUMN awaited BIGINT NOT NULL DEFAULT 0;
-- Up to which version of the account the senders of resuming webhooks have seen
-- them, and the log has what they did before. The recorder alone writes it.
CREATE TABLE markers (
    webhook TEXT COLLATE "C" PRIMARY KEY,
    version BIGINT NOT NULL
);

-- 1: it was only a test; else NULL.
ALTER TABLE deliveries ADD COLUMN test BIGINT;

-- +goose Down
ALTER TABLE deliveries DROP COLUMN test;
DROP TABLE markers;
ALTER TABLE webhooks DROP COLUMN awaited;
DROP TABLE members;
DROP TABLE audit;
