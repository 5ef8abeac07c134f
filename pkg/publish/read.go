package publish

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/staffetta/staffetta/pkg/database"
)

const (
	// batchRows and batchBytes bound one round: with events of up to 900,000
	// bytes a count alone could be 9 GB. The larger it is, the fewer times a
	// round passes over rows that are deleted and not vacuumed yet.
	batchRows  = 10_000
	batchBytes = 16 << 20
	// smallBatchRows is for SQLite, where nobody else writes while a round's
	// rows are deleted: some milliseconds.
	smallBatchRows = 1000
)

// row is one event in the outbox.
type row struct {
	id      int64
	message Message
}

// query is a statement with its arguments.
type query struct {
	text string
	args []any
}

// byIndex keeps PostgreSQL's planner from reading and sorting the whole table.
// What it knows of one that fills and empties is never true: of a backlog that
// was not analysed yet it believes that hardly a row has no reason of refusal.
func (r *Relay) byIndex(ctx context.Context, tx *sql.Tx) error {
	if r.cfg.DB.Dialect != database.Postgres {
		return nil
	}
	_, err := tx.ExecContext(ctx, `SELECT set_config('enable_seqscan', 'off', true),
		set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'off', true)`)
	return err
}

// read returns the rows of a query, in order; more says that there are others.
func (r *Relay) read(ctx context.Context, q query) (batch []row, more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, querySpan)
	defer cancel()
	err = r.cfg.DB.View(ctx, func(tx *sql.Tx) error {
		if err := r.byIndex(ctx, tx); err != nil {
			return err
		}
		batch, more, err = r.scan(ctx, tx, q)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("relay: read: %w", err)
	}
	return batch, more, nil
}

func (r *Relay) scan(ctx context.Context, tx *sql.Tx, q query) (batch []row, more bool, err error) {
	rows, err := tx.QueryContext(ctx, q.text, q.args...)
	if err != nil {
		return nil, false, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	size := 0
	for size < batchBytes && rows.Next() {
		var one row
		m := &one.message
		if err := rows.Scan(&one.id, &m.Topic, &m.Key, &m.Value, &m.Trace.Parent, &m.Trace.State); err != nil {
			return nil, false, err
		}
		batch = append(batch, one)
		size += len(m.Value)
	}
	if err := rows.Err(); err != nil {
		return nil, false, err
	}
	return batch, size >= batchBytes || len(batch) == r.batch, nil
}

// query is that of the oldest rows but those that are known, and those of topics
// that are held. It always begins with the lowest id: one that commits late is
// not passed over. SQLite reads row by row, and stops when nobody asks for more;
// PostgreSQL would send all rows, however large, so it counts their bytes.
func (r *Relay) query(known []int64) query {
	where, args := ` WHERE refused IS NULL`, []any{}
	if held := r.heldTopics(); len(held) > 0 {
		marks := make([]string, len(held))
		for i, topic := range held {
			args = append(args, topic)
			marks[i] = "$" + strconv.Itoa(len(args))
		}
		where += ` AND topic NOT IN (` + strings.Join(marks, ", ") + `)`
	}
	if len(known) > 0 {
		args = append(args, known)
		// A hashed subplan, whatever the plan; <> ALL(…) would compare with each.
		where += ` AND id NOT IN (SELECT unnest($` + strconv.Itoa(len(args)) + `::bigint[]))`
	}
	const columns = `id, topic, key, value, traceparent, tracestate`
	from := ` FROM ` + r.cfg.Outbox.table() + where + ` ORDER BY id LIMIT ` + strconv.Itoa(r.batch)
	if r.cfg.DB.Dialect == database.SQLite {
		return query{`SELECT ` + columns + from, args}
	}
	return query{`SELECT ` + columns + ` FROM (SELECT ` + columns + `,
		sum(octet_length(value)) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) - octet_length(value) AS before` +
		from + `) AS batch WHERE before < ` + strconv.Itoa(batchBytes) + ` ORDER BY id`, args}
}
