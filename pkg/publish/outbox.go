// Package publish is what upstream services in Go import to publish entity
// changes: straight to Kafka (Publisher), or without ever losing or inventing
// one, by a transactional outbox.
//
// With an outbox a service writes the event in the transaction that makes the
// change (Outbox.Write, Outbox.WritePgx), so either both are there or neither.
// A Relay takes events out of the outbox, in order, gives them to Kafka, and
// deletes exactly those that Kafka has acknowledged. What a crash between the
// two leaves is published again with the same event id, which the path
// downstream absorbs.
//
// The order that holds is the order per item: two changes of one item cannot be
// written at the same time, since the item's row is locked by the first, so the
// second has the higher id and is visible later. Ids of transactions that overlap become
// visible in any order: a relay reads whatever it sees, from the lowest id on, and
// so skips none that commits late. Nothing is promised among items of such
// transactions. A service writes the event after it has changed the item.
package publish

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/publish/tables"
)

// Outbox is the table <prefix>_outbox of one service. It is safe for
// concurrent use.
type Outbox struct {
	prefix string
	insert string
	wake   chan struct{}
}

// NewOutbox names the outbox of the service that owns the tables with the
// prefix. The error is tables.ErrPrefix.
func NewOutbox(prefix string) (*Outbox, error) {
	if err := tables.CheckPrefix(prefix); err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	return &Outbox{
		prefix: prefix,
		insert: `INSERT INTO ` + prefix + `_outbox (topic, key, value, traceparent, tracestate, written_at)
			VALUES ($1, $2, $3, $4, $5, $6)`,
		// One token: a relay that is busy when several commits come reads once
		// more, and finds what all of them wrote.
		wake: make(chan struct{}, 1),
	}, nil
}

func (o *Outbox) table() string { return o.prefix + "_outbox" }

// Write puts events for a topic into the outbox as part of the caller's
// transaction. An event without an id gets one (UUIDv7), one without a date
// has the present (UTC). It is published under the trace of ctx, else under its
// own Trace. An event that breaks the contract gives *Reject, a topic that takes
// no events hook.Invalid, and the caller rolls the transaction back. Call
// Committed after the commit.
func (o *Outbox) Write(ctx context.Context, tx *sql.Tx, topic string, events ...Event) error {
	return o.write(ctx, topic, events, func(args ...any) error {
		_, err := tx.ExecContext(ctx, o.insert, args...)
		return err
	})
}

// WritePgx is Write in a transaction of pgx, on PostgreSQL.
func (o *Outbox) WritePgx(ctx context.Context, tx pgx.Tx, topic string, events ...Event) error {
	return o.write(ctx, topic, events, func(args ...any) error {
		_, err := tx.Exec(ctx, o.insert, args...)
		return err
	})
}

func (o *Outbox) write(ctx context.Context, topic string, events []Event, insert func(args ...any) error) error {
	now := time.Now()
	for i, e := range events {
		m, err := prepare(ctx, topic, &e, now)
		if err != nil {
			if len(events) > 1 {
				err = placed(err, i)
			}
			return fmt.Errorf("outbox: %w", err)
		}
		if err := insert(m.Topic, m.Key, m.Value, m.Trace.Parent, m.Trace.State, database.Micros(now)); err != nil {
			return fmt.Errorf("outbox: write: %w", err)
		}
	}
	return nil
}

// Committed wakes this process's relay, so that what was just committed goes
// out at once and not at the next poll. It never blocks. On PostgreSQL the
// commit itself tells the relay, in whatever process it is; on SQLite nobody
// else does.
func (o *Outbox) Committed() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}
