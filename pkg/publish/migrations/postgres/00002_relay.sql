-- +goose Up

-- Who relays, until when, and in which term: what a relay of an earlier term
-- still does to the outbox has no effect.
CREATE TABLE {{prefix}}_relay (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    holder     TEXT    NOT NULL,
    term       BIGINT  NOT NULL,
    -- Unix microseconds by the server's clock; 0: nobody leads.
    expires_at BIGINT  NOT NULL,
    -- The relay waits to be told of new rows.
    asleep     BOOLEAN NOT NULL
);

-- Transactions that notify commit one after the other, in the whole server.
-- Hence only while the relay waits for it, and never under load.
-- +goose StatementBegin
CREATE FUNCTION {{prefix}}_outbox_notify() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT FROM {{prefix}}_relay WHERE asleep) THEN
        PERFORM pg_notify('{{prefix}}_outbox', '');
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER {{prefix}}_outbox_notify AFTER INSERT ON {{prefix}}_outbox
    FOR EACH STATEMENT EXECUTE FUNCTION {{prefix}}_outbox_notify();

-- All rows die young: vacuum by their number, whatever the size of the table.
-- Without truncation the file stays as large as the largest backlog was, but
-- writers never wait for the lock that it takes.
ALTER TABLE {{prefix}}_outbox SET (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    vacuum_truncate = false, toast.vacuum_truncate = false
);

-- +goose Down
ALTER TABLE {{prefix}}_outbox RESET (
    autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, vacuum_truncate, toast.vacuum_truncate
);
DROP TRIGGER {{prefix}}_outbox_notify ON {{prefix}}_outbox;
DROP FUNCTION {{prefix}}_outbox_notify();
DROP TABLE {{prefix}}_relay;
