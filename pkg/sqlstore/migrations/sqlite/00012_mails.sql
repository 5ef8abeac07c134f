-- +goose Up
-- Notifications that are to be mailed to members. Written with the notification.
CREATE TABLE mails (
    member     TEXT NOT NULL,
    -- Of the notification.
    number     BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (member, number)
);
CREATE INDEX mails_created ON mails (created_at);

-- One row for each member who was ever to be mailed. Whoever adds to mails comes here
-- afterwards, and whoever takes from them comes here first, so that nothing is added
-- while it is seen whether something is left.
CREATE TABLE mailboxes (
    member  TEXT PRIMARY KEY,
    -- When the next letter is to be sent; NULL: nothing waits. While somebody sends it,
    -- the end of their lease.
    due_at  BIGINT,
    -- No letter before this.
    free_at BIGINT NOT NULL,
    -- How often in a row the letter was put off.
    tries   BIGINT NOT NULL,
    -- Rises with each claim.
    claim   BIGINT NOT NULL,
    -- The newest notification of the letter that was claimed and is not done; 0: none.
    letter  BIGINT NOT NULL
);
CREATE INDEX mailboxes_due ON mailboxes (due_at) WHERE due_at IS NOT NULL;

-- +goose Down
DROP TABLE mailboxes;
DROP TABLE mails;
