-- +goose Up
-- One row: up to which number notifications were sent to operational webhooks. What
-- there is before any account has one is not sent.
CREATE TABLE notices_sent (number BIGINT NOT NULL);
INSERT INTO notices_sent (number) SELECT last FROM notification_numbers;

-- +goose Down
DROP TABLE notices_sent;
