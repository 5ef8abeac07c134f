package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/publish"
)

// topic is one that Staffetta reads: see STAFFETTA_EVENT_TOPICS.
const topic = "events.contacts"

// shop keeps contacts.
type shop struct {
	db      *database.DB
	pool    *pgxpool.Pool // nil: transactions of database/sql
	outbox  *publish.Outbox
	account string
}

const upsert = `INSERT INTO shop_contacts (name, id, version)
	VALUES ($1, (SELECT count(*) + 1 FROM shop_contacts), 1)
	ON CONFLICT (name) DO UPDATE SET version = shop_contacts.version + 1
	RETURNING id, version`

// save changes the contact and writes the event in one transaction of
// database/sql: first the change, which locks the row, then the event.
func (s shop) save(ctx context.Context, name string) (id int64, err error) {
	err = s.db.Tx(ctx, func(tx *sql.Tx) error {
		var version int64
		if err := tx.QueryRowContext(ctx, upsert, name).Scan(&id, &version); err != nil {
			return err
		}
		e, err := s.event(id, version, name)
		if err != nil {
			return err
		}
		return s.outbox.Write(ctx, tx, topic, e)
	})
	if err == nil {
		s.outbox.Committed()
	}
	return id, err
}

// savePgx is save in a transaction of pgx. The commit tells the relay.
func (s shop) savePgx(ctx context.Context, name string) (id int64, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var version int64
		if err := tx.QueryRow(ctx, upsert, name).Scan(&id, &version); err != nil {
			return err
		}
		e, err := s.event(id, version, name)
		if err != nil {
			return err
		}
		return s.outbox.WritePgx(ctx, tx, topic, e)
	})
	return id, err
}

// event tells of a contact that was created or updated.
func (s shop) event(id, version int64, name string) (publish.Event, error) {
	data, err := json.Marshal(map[string]any{"id": id, "name": name})
	if err != nil {
		return publish.Event{}, err
	}
	kind := publish.Update
	if version == 1 {
		kind = publish.Create
	}
	text := strconv.FormatInt(id, 10)
	return publish.Event{
		Account: s.account, Type: kind, ItemType: "Contact",
		Items: []publish.Item{{ID: text, Ref: "/contacts/" + text, Version: &version, Data: data}},
	}, nil
}
