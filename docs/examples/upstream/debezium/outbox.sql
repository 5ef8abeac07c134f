-- An outbox for Debezium, with what Staffetta wants to know of a change beside its data.
CREATE TABLE outbox (
    id            uuid         PRIMARY KEY DEFAULT gen_random_uuid(),
    aggregatetype varchar(100) NOT NULL, -- the item type: Contact
    aggregateid   varchar(256) NOT NULL, -- the item's id: 12014
    type          varchar(255) NOT NULL, -- what happened: ContactCreated
    account       varchar(64)  NOT NULL, -- the tenant: acme
    ref           varchar(2048),         -- where the item can be read: /contacts/12014
    payload       jsonb                  -- the item; null once it is deleted
);
